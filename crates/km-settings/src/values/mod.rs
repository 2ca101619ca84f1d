//! The types that settings are read into.

pub(crate) mod access;
pub(crate) mod credential;
pub(crate) mod fallback;
pub(crate) mod location;
pub(crate) mod server;
