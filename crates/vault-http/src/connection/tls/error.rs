//! The errors of TLS settings.

/// The reasons why certificates, a private key or a server name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text contains no PEM certificate, or a malformed one.
    #[error("no valid PEM certificate found")]
    NoCertificate,
    /// The text contains no PEM private key, or a malformed or encrypted one.
    #[error("no valid, unencrypted PEM private key found")]
    NoPrivateKey,
    /// The certificate was issued for another key.
    #[error("the certificate and the private key do not match")]
    Mismatch,
    /// The server name is neither a DNS name nor an IP address.
    #[error("the TLS server name is not a DNS name or an IP address")]
    ServerName,
    /// The server name is an IP address that differs from the host of the server's address.
    #[error("the TLS server name is an IP address that differs from the server's address")]
    ServerAddress,
    /// The feature of no cryptography provider is enabled.
    #[error(
        "no cryptography provider: enable the feature `ring` or `aws-lc-rs` of vault-http, or use \
         `ClientIdentity::from_pem_with_provider`"
    )]
    NoProvider,
    /// The system's trusted certificates cannot be loaded.
    #[error("cannot load the system's trusted certificates")]
    SystemRoots,
}
