//! The engine's operations against scripted responses: which of them are an answer, and of what kind.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ambiguous;
mod metadata;
mod read;
mod server;
mod version_check;
mod write;
