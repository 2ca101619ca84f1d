//! What is trusted and what is shown in a TLS handshake, and what a failed one means.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

/// A client certificate with its chain, and the private key that belongs to it.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads a PEM certificate chain, leaf first, and its PEM private key.
    ///
    /// # Errors
    /// [`TlsError`] when either can't be read or they don't belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoPrivateKey)?;
        let key =
            provider().key_provider.load_private_key(key).map_err(|_| TlsError::NoPrivateKey)?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(Self(Arc::new(pair)))
            }
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch),
            Err(_) => Err(TlsError::NoCertificate),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([REDACTED])")
    }
}

/// Why certificates, a key or a name can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// No PEM certificate in the text, or a broken one.
    #[error("there is no valid PEM certificate in it")]
    NoCertificate,
    /// No PEM private key in the text, or a broken or encrypted one.
    #[error("there is no valid, unencrypted PEM private key in it")]
    NoPrivateKey,
    /// The certificate is for another key.
    #[error("the certificate and the private key don't belong together")]
    Mismatch,
    /// Neither a DNS name nor an IP address.
    #[error("the TLS server name is no DNS name and no IP address")]
    ServerName,
    /// The system's trusted roots can't be loaded.
    #[error("the system's trusted certificates can't be loaded")]
    SystemRoots,
}

/// The certificates of a PEM bundle.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| TlsError::NoCertificate)
}

pub(crate) fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::ServerName)
}

/// What a server's certificate is checked against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Roots<'a> {
    /// These PEM certificates.
    Pem(&'a [u8]),
    /// What the system trusts. Loading it takes milliseconds.
    System,
    /// Nothing is: no TLS is spoken.
    None,
}

/// The handshake's settings: TLS 1.2 and 1.3 are all that `rustls` has.
pub(crate) fn config(
    roots: Roots<'_>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| TlsError::SystemRoots)?;
    let verifier: Arc<dyn ServerCertVerifier> = match roots {
        Roots::Pem(pem) => trusted(pem, &provider)?,
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
        Some(Identity(pair)) => builder.with_client_cert_resolver(Arc::new(
            rustls::sign::SingleCertAndKey::from(Arc::clone(pair)),
        )),
        None => builder.with_no_client_auth(),
    })
}

fn trusted(
    pem: &[u8],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates(pem)?);
    if added == 0 {
        return Err(TlsError::NoCertificate);
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .map_err(|_| TlsError::NoCertificate)
}

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// What the TLS error in the causes of `error` means, where there is one.
pub(crate) fn failure(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return Some(meaning(tls));
        }
        // An `io::Error` leaves what it wraps out of its sources.
        let inner = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    None
}

fn meaning(error: &rustls::Error) -> &'static str {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(certificate) => certificate_meaning(certificate),
        Tls::InvalidMessage(_) => "the server does not speak TLS on this port",
        Tls::PeerIncompatible(_) | Tls::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the server speaks no TLS version from 1.2 on"
        }
        Tls::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate,
        ) => "the server refused the client certificate",
        _ => "the handshake failed",
    }
}

fn certificate_meaning(error: &CertificateError) -> &'static str {
    use CertificateError as Bad;
    match error {
        Bad::Expired | Bad::ExpiredContext { .. } => "the server's certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "the server's certificate is for another host name"
        }
        // The second: the name of a trusted authority with another key.
        Bad::UnknownIssuer | Bad::BadSignature => {
            "the server's certificate is signed by nobody who is trusted"
        }
        Bad::Revoked => "the server's certificate is revoked",
        _ => "the server's certificate was refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["gateway".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_certificate_and_its_key_are_an_identity() {
        let (certificate, key) = pair();
        let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), "Identity([REDACTED])");
        assert!(config(Roots::Pem(certificate.as_bytes()), Some(&identity)).is_ok());
    }

    #[test]
    fn what_is_no_identity_says_why() {
        let (certificate, key) = pair();
        let (_, other) = pair();
        let check = |certificate: &str, key: &str, expected| {
            let actual = Identity::from_pem(certificate.as_bytes(), key.as_bytes());
            assert_eq!(actual.unwrap_err(), expected);
        };
        check(&certificate, &other, TlsError::Mismatch);
        check("", &key, TlsError::NoCertificate);
        check(&certificate, "", TlsError::NoPrivateKey);
        check(&certificate, &certificate, TlsError::NoPrivateKey);
        check(
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
            &key,
            TlsError::NoCertificate,
        );
    }

    #[test]
    fn roots_without_a_certificate_are_refused() {
        assert_eq!(config(Roots::Pem(b"no pem"), None).unwrap_err(), TlsError::NoCertificate);
        assert_eq!(server_name("no name!").unwrap_err(), TlsError::ServerName);
    }
}
