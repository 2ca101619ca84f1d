//! Verification of the server's certificate against a PEM bundle.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::error::TlsError;
use super::identity::certificates;

/// Trusts certificates that an authority in the bundle has signed, and a server certificate that is
/// itself in the bundle, byte for byte, such as one made by `openssl req -x509`.
///
/// The host name and the validity period are verified in both cases.
#[derive(Debug)]
pub(super) struct BundleVerifier {
    authorities: Arc<WebPkiServerVerifier>,
    bundle: Vec<CertificateDer<'static>>,
}

impl BundleVerifier {
    pub(super) fn new(pem: &[u8], provider: &Arc<CryptoProvider>) -> Result<Self, TlsError> {
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
            Err(error) if is_only_untrusted(&error) && self.bundle.contains(server) => {
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

/// Returns whether a certificate was refused only because no trusted authority has signed it.
///
/// webpki verifies the validity period first, then that the certificate is not a CA certificate,
/// then its issuer. A refusal for one of the latter two thus implies that the period is valid.
fn is_only_untrusted(error: &rustls::Error) -> bool {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            let cause = other.0.downcast_ref::<webpki::Error>();
            matches!(cause, Some(webpki::Error::CaUsedAsEndEntity))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};

    use super::*;
    use crate::connection::tls::handshake_error::description;
    use crate::connection::tls::provider::default_provider;

    fn params(host: &str, is_ca: bool) -> CertificateParams {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
    }

    fn self_signed(params: &CertificateParams) -> Certificate {
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    fn verify(bundle: &Certificate, server: &Certificate, name: &str) -> Result<(), &'static str> {
        let provider = default_provider().unwrap();
        let verifier = BundleVerifier::new(bundle.pem().as_bytes(), &provider).unwrap();
        let name = ServerName::try_from(name).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let outcome = verifier.verify_server_cert(server.der(), &[], &name, &[], now);
        outcome.map(drop).map_err(|error| description(&error))
    }

    #[test]
    fn server_certificate_in_the_bundle_is_trusted() {
        for is_ca in [true, false] {
            let certificate = self_signed(&params("vault", is_ca));
            assert_eq!(verify(&certificate, &certificate, "vault"), Ok(()));
        }
    }

    #[test]
    fn server_certificate_in_the_bundle_with_another_host_or_expired_is_refused() {
        for is_ca in [true, false] {
            let certificate = self_signed(&params("vault", is_ca));
            let refused = verify(&certificate, &certificate, "other").unwrap_err();
            assert_eq!(refused, "the server's certificate is not valid for this host name");
            let mut expired = params("vault", is_ca);
            expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
            let expired = self_signed(&expired);
            let refused = verify(&expired, &expired, "vault").unwrap_err();
            assert_eq!(refused, "the server's certificate has expired");
        }
    }

    #[test]
    fn self_signed_certificate_outside_the_bundle_is_refused() {
        let bundle = self_signed(&params("gateway", false));
        let server = self_signed(&params("gateway", true));
        assert!(verify(&bundle, &server, "gateway").is_err());
    }
}
