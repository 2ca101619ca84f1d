//! The Vault API, also as its clients use it.

mod api;
mod cli;
mod namespaces;
mod vaultrs;
