//! What is trusted and what is shown in a TLS handshake, and what a failed one means.

pub(crate) mod reload;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};

/// A client certificate with its chain, and the private key that belongs to it.
#[derive(Clone)]
pub struct ClientIdentity(Arc<CertifiedKey>);

impl ClientIdentity {
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

impl fmt::Debug for ClientIdentity {
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
    /// The server name is an IP address other than the host's.
    #[error("the TLS server name is an IP address, and not the one in the server's address")]
    ServerAddress,
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

/// Checks the server name for a handshake with `host`. Returns `None` if it is the host itself.
pub(crate) fn server_name(name: &str, host: &str) -> Result<Option<String>, TlsError> {
    match ServerName::try_from(name).map_err(|_| TlsError::ServerName)? {
        _ if name.eq_ignore_ascii_case(host) => Ok(None),
        // A connection to a URL with an address goes to that address, whoever is meant.
        ServerName::IpAddress(ip) => match host.parse::<IpAddr>() {
            Ok(host) if IpAddr::from(ip) == host => Ok(None),
            _ => Err(TlsError::ServerAddress),
        },
        _ => Ok(Some(name.to_owned())),
    }
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
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(provider());
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
        Some(ClientIdentity(pair)) => builder.with_client_cert_resolver(Arc::new(
            rustls::sign::SingleCertAndKey::from(Arc::clone(pair)),
        )),
        None => builder.with_no_client_auth(),
    })
}

/// Trusts what the authorities of a bundle have signed, and a server whose own certificate is in the
/// bundle byte for byte, as `openssl req -x509` makes it. Host name and dates are always checked.
#[derive(Debug)]
struct BundleVerifier {
    authorities: Arc<WebPkiServerVerifier>,
    bundle: Vec<CertificateDer<'static>>,
}

impl BundleVerifier {
    fn new(pem: &[u8], provider: &Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let bundle = certificates(pem)?;
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(bundle.iter().cloned());
        if added == 0 {
            return Err(TlsError::NoCertificate);
        }
        let authorities =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
                .build()
                .map_err(|_| TlsError::NoCertificate)?;
        Ok(Self { authorities, bundle })
    }
}

impl ServerCertVerifier for BundleVerifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.authorities.verify_server_cert(server, intermediates, name, ocsp, now);
        match verified {
            Err(error) if is_only_unsigned(&error) && self.bundle.contains(server) => {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(server)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Returns whether a certificate was refused for who signed it and nothing else. webpki checks the
/// dates first, then whether an authority shows itself as a server, then who signed.
fn is_only_unsigned(error: &rustls::Error) -> bool {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            let cause = other.0.downcast_ref::<webpki::Error>();
            matches!(cause, Some(webpki::Error::CaUsedAsEndEntity))
        }
        _ => false,
    }
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
        let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), "Identity([REDACTED])");
        assert!(config(Roots::Pem(certificate.as_bytes()), Some(&identity)).is_ok());
    }

    #[test]
    fn what_is_no_identity_says_why() {
        let (certificate, key) = pair();
        let (_, other) = pair();
        let check = |certificate: &str, key: &str, expected| {
            let actual = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes());
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
    }

    #[test]
    fn server_name_that_is_an_address_must_be_the_hosts() {
        let check = |name: &str, host: &str, expected: Result<Option<&str>, TlsError>| {
            assert_eq!(server_name(name, host), expected.map(|name| name.map(str::to_owned)));
        };
        check("no name!", "vault", Err(TlsError::ServerName));
        check("vault.example.com", "10.0.0.1", Ok(Some("vault.example.com")));
        check("vault", "VAULT", Ok(None));
        check("10.0.0.1", "10.0.0.1", Ok(None));
        check("::1", "0:0:0:0:0:0:0:1", Ok(None));
        check("10.0.0.1", "10.0.0.2", Err(TlsError::ServerAddress));
        check("10.0.0.1", "vault", Err(TlsError::ServerAddress));
    }

    /// Verifies a self-signed certificate, made by `params`, with itself as the bundle.
    fn verify(params: rcgen::CertificateParams, name: &str) -> Result<(), &'static str> {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let verifier = BundleVerifier::new(certificate.pem().as_bytes(), &Arc::new(provider()));
        let name = ServerName::try_from(name).unwrap();
        let server = verifier.unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_800_000_000));
        let outcome = server.verify_server_cert(certificate.der(), &[], &name, &[], now);
        outcome.map(drop).map_err(|error| meaning(&error))
    }

    #[test]
    fn certificate_in_the_bundle_is_trusted_as_the_servers_own() {
        let params = |ca: bool| {
            let mut params = rcgen::CertificateParams::new(["vault".to_owned()]).unwrap();
            if ca {
                params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            }
            params
        };
        for ca in [true, false] {
            assert_eq!(verify(params(ca), "vault"), Ok(()));
            let other = "the server's certificate is for another host name";
            assert_eq!(verify(params(ca), "other"), Err(other));
            let mut expired = params(ca);
            expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
            assert_eq!(verify(expired, "vault"), Err("the server's certificate has expired"));
        }
    }

    #[test]
    fn self_signed_certificate_outside_the_bundle_is_refused() {
        let (other, _) = pair();
        let verifier = BundleVerifier::new(other.as_bytes(), &Arc::new(provider())).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["gateway".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let name = ServerName::try_from("gateway").unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_800_000_000));
        assert!(verifier.verify_server_cert(certificate.der(), &[], &name, &[], now).is_err());
    }
}
