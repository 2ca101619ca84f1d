//! The errors of [`ClientBuilder::build`](crate::ClientBuilder::build).

use std::fmt;
use std::path::PathBuf;

use crate::address::error::AddressError;
use crate::connection::tls::error::TlsError;

/// The error of [`ClientBuilder::build`](crate::ClientBuilder::build): all problems with the
/// settings at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    pub(crate) problems: Vec<BuildErrorKind>,
}

impl BuildError {
    /// Returns the problems, at least one.
    pub fn problems(&self) -> &[BuildErrorKind] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

/// One problem with the settings of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// The CA bundle or the system's roots cannot be used.
    #[error("trusted certificates: {0}")]
    Trust(TlsError),
    /// The client certificate or its private key cannot be used.
    #[error("client certificate: {0}")]
    Identity(TlsError),
    /// A file cannot be read.
    #[error("{path}: cannot read the file: {reason}", path = .path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the file system.
        reason: String,
    },
    /// The TLS server name is invalid.
    #[error("{0}")]
    ServerName(TlsError),
    /// The address of the proxy is invalid.
    #[error("the proxy address {reason}", reason = .0.reason())]
    Proxy(AddressError),
    /// Both a proxy and a TLS server name are set. The proxy would connect to the server name
    /// instead of the server's host.
    #[error("a proxy and a TLS server name cannot be combined")]
    ProxyAndServerName,
    /// The feature of no cryptography provider is enabled, and none was passed.
    #[error(
        "no cryptography provider: enable the feature `ring` or `aws-lc-rs` of vault-http, or pass \
         one to `ClientBuilder::crypto_provider`"
    )]
    NoCryptoProvider,
    /// The deadline is zero.
    #[error("the deadline must be greater than zero")]
    Deadline,
}
