//! End-to-end tests of `km serve`: both APIs, rejected requests, limits and shutdown.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

pub(crate) mod client;
mod isolation;
pub(crate) mod sidecar;

mod lifecycle;
mod listener;
mod native;
mod observability;
mod policy;
mod refresh;
mod status;
mod token;
mod vault;
