//! All suites that need a real server, in one binary: it is linked once.

mod harness;

mod product;

mod login;

mod failover;
mod limits;
mod relay;

mod faults;
