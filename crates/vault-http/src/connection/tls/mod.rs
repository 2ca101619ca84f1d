//! TLS: trusted certificates, the client certificate, and what a failed handshake means.
//!
//! TLS 1.2 and 1.3 are offered.

pub(crate) mod client_config;
pub(crate) mod error;

pub(crate) mod handshake_error;
pub(crate) mod identity;
pub(crate) mod provider;
pub(crate) mod reload;
pub(crate) mod server_name;
pub(crate) mod sources;
mod verifier;
