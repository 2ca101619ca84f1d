//! The Vault server.

use std::path::PathBuf;
use std::time::Duration;

/// The Vault server and the connection to it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Server {
    /// Scheme, host and port, without a trailing `/`. Validated.
    pub address: String,
    /// The PEM bundle of CA certificates that the server's certificate is verified against; `None`
    /// for the system's root certificates.
    pub ca_cert: Option<PathBuf>,
    /// The host name that the server's certificate must be valid for; `None` for the host of the
    /// address.
    pub tls_server_name: Option<String>,
    /// Whether `http` is allowed to hosts other than loopback.
    pub danger_plaintext: bool,
    /// The time limit of one operation, retries included. Never zero.
    pub deadline: Duration,
}
