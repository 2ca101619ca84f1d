//! Certificates that tests create for TLS servers and for logins by certificate.

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Pem {
    /// The certificate as PEM.
    pub certificate: String,
    /// The private key as PEM. It is used by one test only, so that `Debug` may show it.
    pub key: String,
}

/// Two certificate authorities, one for servers and one for clients, and a server certificate.
#[derive(Debug)]
pub struct Certs {
    server_ca: CertifiedIssuer<'static, KeyPair>,
    client_ca: CertifiedIssuer<'static, KeyPair>,
    /// The server's certificate, for `127.0.0.1` and `localhost`.
    pub server: Pem,
}

impl Certs {
    /// Creates the authorities and the server certificate.
    ///
    /// # Errors
    /// A cryptographic operation failed.
    pub fn new() -> Result<Self> {
        let (server_ca, client_ca) =
            (authority("km test server CA")?, authority("km test client CA")?);
        let names = ["127.0.0.1", "localhost"];
        let server = leaf(&server_ca, "localhost", &names, ExtendedKeyUsagePurpose::ServerAuth)?;
        Ok(Self { server_ca, client_ca, server })
    }

    /// Returns the authority to trust, as PEM (`KM_CA_CERT`).
    pub fn ca(&self) -> String {
        self.server_ca.pem()
    }

    /// Returns the authority of client certificates, as PEM (`auth/cert/certs/…`).
    pub fn client_ca(&self) -> String {
        self.client_ca.pem()
    }

    /// Creates a client certificate with this common name.
    ///
    /// # Errors
    /// A cryptographic operation failed.
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
