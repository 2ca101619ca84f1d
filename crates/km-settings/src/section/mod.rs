//! The meaning of each group of settings: reads it into its type and reports contradictions.

pub(crate) mod access;
pub(crate) mod cache;
pub(crate) mod location;
pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod system;
pub(crate) mod teams;
pub(crate) mod unused;
pub(crate) mod vault_variables;
pub(crate) mod virtual_keys;
