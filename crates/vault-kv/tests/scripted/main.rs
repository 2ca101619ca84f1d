//! The engine's operations against scripted responses: which responses are accepted, and which
//! error each of the others becomes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ambiguous;
mod list;
mod metadata;
mod read;
mod server;
mod typed;
mod v1;
mod version_check;
mod write;
