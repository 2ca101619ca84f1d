//! Logins against scripted responses that a real server cannot be made to return at will.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod denials;
mod failures;
mod gateway;
mod requests;
mod server;
