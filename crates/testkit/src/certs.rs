//! Certificates for a server with TLS and for logins by certificate, made on the spot.

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Pem {
    /// PEM of the certificate.
    pub certificate: String,
    /// PEM of the private key. Of this test only, so `Debug` may show it.
    pub key: String,
}

/// Two authorities: one that vouches for the server, one for its clients.
#[derive(Debug)]
pub struct Certs {
    server_ca: CertifiedIssuer<'static, KeyPair>,
    client_ca: CertifiedIssuer<'static, KeyPair>,
    /// The server's, for `127.0.0.1` and `localhost`.
    pub server: Pem,
}

impl Certs {
    /// Makes all of them.
    ///
    /// # Errors
    /// The cryptography fails.
    pub fn new() -> Result<Self> {
        let (server_ca, client_ca) =
            (authority("km test server CA")?, authority("km test client CA")?);
        let names = ["127.0.0.1", "localhost"];
        let server = leaf(&server_ca, "localhost", &names, ExtendedKeyUsagePurpose::ServerAuth)?;
        Ok(Self { server_ca, client_ca, server })
    }

    /// PEM of the authority to trust (`KM_CA_CERT`).
    pub fn ca(&self) -> String {
        self.server_ca.pem()
    }

    /// PEM of the authority that client certificates come from (`auth/cert/certs/…`).
    pub fn client_ca(&self) -> String {
        self.client_ca.pem()
    }

    /// A client certificate with this common name.
    ///
    /// # Errors
    /// The cryptography fails.
    pub fn client(&self, common_name: &str) -> Result<Pem> {
        leaf(&self.client_ca, common_name, &[], ExtendedKeyUsagePurpose::ClientAuth)
    }
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
        .with_context(|| format!("making {name}"))
}

fn leaf(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    names: &[&str],
    purpose: ExtendedKeyUsagePurpose,
) -> Result<Pem> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer).with_context(|| format!("signing {name}"))?;
    Ok(Pem { certificate: certificate.pem(), key: key.serialize_pem() })
}
