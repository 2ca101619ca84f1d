//! The client certificate.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::error::TlsError;
use super::provider::default_provider;

/// A client certificate with its chain and its private key.
#[derive(Clone)]
pub struct ClientIdentity(Arc<CertifiedKey>);

impl ClientIdentity {
    /// Parses a PEM certificate chain, leaf first, and its PEM private key.
    ///
    /// # Errors
    /// [`TlsError`] if either cannot be parsed, or if the key does not belong to the certificate.
    /// [`TlsError::NoProvider`] without the features `ring` and `aws-lc-rs`.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let provider = default_provider().ok_or(TlsError::NoProvider)?;
        Self::from_pem_with_provider(certificate, key, &provider)
    }

    /// Like [`from_pem`](Self::from_pem), with the cryptography of `provider`. See
    /// [`ClientBuilder::crypto_provider`](crate::ClientBuilder::crypto_provider).
    ///
    /// # Errors
    /// [`TlsError`] if either cannot be parsed, or if the key does not belong to the certificate.
    pub fn from_pem_with_provider(
        certificate: &[u8],
        key: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoPrivateKey)?;
        let key =
            provider.key_provider.load_private_key(key).map_err(|_| TlsError::NoPrivateKey)?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(Self(Arc::new(pair)))
            }
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch),
            Err(_) => Err(TlsError::NoCertificate),
        }
    }

    pub(super) fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity([REDACTED])")
    }
}

/// Parses the certificates of a PEM bundle.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| TlsError::NoCertificate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tls::client_config::{Roots, client_config};

    fn pair() -> (String, String) {
        let generated = rcgen::generate_simple_self_signed(["gateway".to_owned()]).unwrap();
        (generated.cert.pem(), generated.signing_key.serialize_pem())
    }

    #[test]
    fn matching_certificate_and_key_are_accepted() {
        let (certificate, key) = pair();
        let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), "ClientIdentity([REDACTED])");
        let (roots, provider) = (Roots::Pem(certificate.as_bytes()), default_provider().unwrap());
        assert!(client_config(roots, Some(&identity), provider).is_ok());
    }

    #[test]
    fn unusable_certificate_or_key_is_refused_with_its_cause() {
        let (certificate, key) = pair();
        let (_, other_key) = pair();
        let check = |certificate: &str, key: &str, expected| {
            let actual = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes());
            assert_eq!(actual.unwrap_err(), expected);
        };
        check(&certificate, &other_key, TlsError::Mismatch);
        check("", &key, TlsError::NoCertificate);
        check(&certificate, "", TlsError::NoPrivateKey);
        check(&certificate, &certificate, TlsError::NoPrivateKey);
        check(
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
            &key,
            TlsError::NoCertificate,
        );
    }
}
