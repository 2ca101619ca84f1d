//! The document of `GET /km/v1/secrets/{name}`, as far as commands use it.

use km_proxy_adapter::json;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Deserialize;

use crate::error::ErrorBody;

/// A provider secret that a sidecar serves.
#[derive(Debug, Deserialize)]
pub(crate) struct SecretDocument {
    #[serde(deserialize_with = "json::secret_string")]
    pub(crate) value: SecretString,
    /// Null if the value is not from Vault.
    pub(crate) version: Option<u64>,
    /// Why the value is an older one.
    #[serde(default)]
    pub(crate) refresh_error: Option<ErrorBody>,
}

/// Returns the path of a secret that the sidecar reads from Vault again.
pub(crate) fn refreshed_path(name: &str) -> String {
    format!("/km/v1/secrets/{}?refresh=true", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn name_is_one_encoded_segment() {
        assert_eq!(
            refreshed_path("gw/A B?%é"),
            "/km/v1/secrets/gw%2FA%20B%3F%25%C3%A9?refresh=true"
        );
    }

    #[test]
    fn document_is_read_with_its_unknown_fields_ignored() {
        let text = br#"{"value":"a\n","version":3,"age_seconds":0,"stale":false,"source":"vault"}"#;
        let document: SecretDocument = serde_json::from_slice(text).unwrap();
        assert_eq!((document.value.expose_secret(), document.version), ("a\n", Some(3)));
        let text = br#"{"value":"a","version":null,
            "refresh_error":{"kind":"unavailable","message":"sealed"}}"#;
        let document: SecretDocument = serde_json::from_slice(text).unwrap();
        assert_eq!(document.version, None);
        assert_eq!(document.refresh_error.unwrap().message, "sealed");
        assert!(serde_json::from_slice::<SecretDocument>(br#"{"value":1,"version":3}"#).is_err());
    }
}
