//! The `rustls` configuration of a connection pool.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};

use super::error::TlsError;
use super::identity::ClientIdentity;
use super::verifier::BundleVerifier;

/// The trust anchors for the server's certificate.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Roots<'a> {
    /// The certificates of a PEM bundle.
    Pem(&'a [u8]),
    /// The system's trusted certificates. Loading them takes milliseconds.
    System,
    /// None, for servers without TLS.
    None,
}

/// Builds the configuration. All TLS versions of `rustls` are offered, which are 1.2 and 1.3.
pub(crate) fn client_config(
    roots: Roots<'_>,
    identity: Option<&ClientIdentity>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| TlsError::SystemRoots)?;
    let verifier: Arc<dyn ServerCertVerifier> = match roots {
        Roots::Pem(pem) => Arc::new(BundleVerifier::new(pem, &provider)?),
        Roots::System => Arc::new(
            rustls_platform_verifier::Verifier::new(provider).map_err(|_| TlsError::SystemRoots)?,
        ),
        Roots::None => {
            return Ok(builder
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth());
        }
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    Ok(match identity {
        Some(identity) => builder
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key()))),
        None => builder.with_no_client_auth(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tls::provider::default_provider;

    #[test]
    fn bundle_without_a_certificate_is_refused() {
        let config = client_config(Roots::Pem(b"no pem"), None, default_provider().unwrap());
        assert_eq!(config.unwrap_err(), TlsError::NoCertificate);
    }
}
