//! The token that callers present to the sidecar.

mod file;
mod requests;
