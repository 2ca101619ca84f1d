//! `km serve` from outside: both doors, what they refuse, how much they bear, and how it ends.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod client;
mod sidecar;

mod audit;
mod connections;
mod handed_over;
mod interrupt;
mod keys;
mod life;
mod limits;
mod log;
mod origin;
mod policy;
mod probes;
mod secrets;
mod socket;
mod token;
mod token_file;
mod vault_api;
mod vault_cli;
mod vaultrs;
