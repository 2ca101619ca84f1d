//! All tests that need a real server, in one binary, because linking takes time.

mod harness;

mod product;
mod relay;

mod adapter;
mod cli;
mod exec;
mod kv;
mod login;
mod namespaces;
mod requests;
mod rotate;
mod seed;
mod serve;
mod sync;

mod examples;

mod failover;
mod faults;
mod limits;
