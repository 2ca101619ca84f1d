//! `km serve` from outside: both doors, what they refuse, how much they bear, and how it ends.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod client;
mod sidecar;

mod lifecycle;
mod listener;
mod native;
mod observability;
mod policy;
mod token;
mod vault;
