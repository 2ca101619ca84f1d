//! All suites that need a real server, in one binary: it is linked once.

mod harness;

mod product;
mod relay;

mod adapter;
mod cli;
mod exec;
mod kv;
mod login;
mod seed;
mod serve;

mod gateway;

mod failover;
mod faults;
mod limits;
