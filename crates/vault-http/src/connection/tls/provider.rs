//! The cryptography of TLS connections ([ADR 0002]).
//!
//! The program passes a provider, or a feature selects one. The provider that may be installed for
//! the whole process is neither read nor set.
//!
//! [ADR 0002]: https://github.com/key-manager/km/blob/main/docs/adr/0002-cryptography.md

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// Returns the provider of the enabled feature, or `None` if there is none. If both are enabled, it
/// is `aws-lc-rs`, because `ring` is enabled by default.
pub(crate) fn default_provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    let provider = Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    let provider = None;
    provider
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tls::sources::TlsSources;
    use crate::error::build::BuildErrorKind;

    #[test]
    fn without_a_provider_the_error_names_the_remedies() {
        let sources = TlsSources { provider: None, ..TlsSources::default() };
        for is_tls in [true, false] {
            let problems = sources.client_config(is_tls).unwrap_err();
            assert_eq!(problems, [BuildErrorKind::NoCryptoProvider]);
        }
        let text = BuildErrorKind::NoCryptoProvider.to_string();
        for remedy in ["`ring`", "`aws-lc-rs`", "`ClientBuilder::crypto_provider`"] {
            assert!(text.contains(remedy), "{text}");
        }
    }

    /// A provider without cipher suites, which no TLS configuration can be built from.
    #[test]
    fn passed_provider_replaces_the_default() {
        let default = default_provider().unwrap();
        let useless = CryptoProvider { cipher_suites: Vec::new(), ..(*default).clone() };
        let provider = Some(Arc::new(useless));
        let sources = TlsSources { provider, ..TlsSources::default() };
        assert!(sources.client_config(false).is_err());
    }
}
