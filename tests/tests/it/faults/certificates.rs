//! Certificates that a client must refuse, each for one reason.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use testkit::Pem;

/// A certificate authority of one test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The fault of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    Expired,
    NotYetValid,
    OtherHost,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Creates a certificate for `127.0.0.1` and `localhost` with this fault.
    pub(crate) fn server(&self, flaw: Flaw) -> Result<Pem> {
        let (params, key) = (params(flaw)?, KeyPair::generate()?);
        let certificate = params.signed_by(&key, &self.0)?.pem();
        Ok(Pem { certificate, key: key.serialize_pem() })
    }
}

/// Creates a self-signed certificate.
pub(crate) fn self_signed() -> Result<Pem> {
    let (params, key) = (params(Flaw::None)?, KeyPair::generate()?);
    let certificate = params.self_signed(&key)?.pem();
    Ok(Pem { certificate, key: key.serialize_pem() })
}

fn params(flaw: Flaw) -> Result<CertificateParams> {
    let names: &[&str] =
        if flaw == Flaw::OtherHost { &["other.test"] } else { &["127.0.0.1", "localhost"] };
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    match flaw {
        Flaw::Expired => params.not_after = date_time_ymd(2020, 1, 1),
        Flaw::NotYetValid => params.not_before = date_time_ymd(2900, 1, 1),
        Flaw::None | Flaw::OtherHost => {}
    }
    Ok(params)
}
