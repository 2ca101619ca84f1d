//! The driver on virtual time, with a login method in memory and without a network.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod callers;
mod fake_server;
mod files;
mod status;
mod subscription;
