//! The TLS configuration of a scripted server.

use std::sync::Arc;

use anyhow::Result;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::certs::Pem;

/// Presents this certificate and requests none.
///
/// # Errors
/// The key does not match the certificate.
pub fn server_config(pem: &Pem) -> Result<Arc<ServerConfig>> {
    config(pem, None)
}

/// Presents this certificate, and accepts only clients with a certificate of this authority.
///
/// # Errors
/// The key does not match the certificate, or the authority is invalid.
pub fn server_config_for_clients(pem: &Pem, client_ca: &str) -> Result<Arc<ServerConfig>> {
    config(pem, Some(client_ca))
}

fn config(pem: &Pem, client_ca: Option<&str>) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
                roots.add(certificate?)?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = CertificateDer::pem_slice_iter(pem.certificate.as_bytes());
    let chain = chain.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes())?;
    Ok(Arc::new(builder.with_single_cert(chain, key)?))
}
