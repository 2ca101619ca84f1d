//! The groups of settings that are more than a type.

pub(crate) mod cache;
pub(crate) mod process;
pub(crate) mod system;
pub(crate) mod unused;
pub(crate) mod vault_variables;
