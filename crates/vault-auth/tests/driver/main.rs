//! The driver on virtual time, with a login method in memory: nothing here touches a network.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod callers;
mod files;
mod memory;
mod status;
