//! The types that settings are read into. They do not know where their values come from.

pub(crate) mod access;
pub(crate) mod credential;
pub(crate) mod fallback;
pub(crate) mod location;
pub(crate) mod server;
