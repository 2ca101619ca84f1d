//! Deserialization of strings that are secrets.

use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::unescape::unescape;

/// Deserializes a secret string without leaving a copy in memory that is not zeroized.
///
/// The deserializer must borrow from its input, as those for a `&str` or a `&[u8]` do.
///
/// ```
/// use secrecy::SecretString;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Login {
///     #[serde(deserialize_with = "vault_http::json::secret_string")]
///     client_token: SecretString,
/// }
///
/// let login: Login = serde_json::from_str(r#"{"client_token":"hvs.CAES"}"#)?;
/// # let _ = login.client_token;
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// If the value is not a string. The error does not quote the value.
pub fn secret_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    secret_from_raw(<&RawValue>::deserialize(deserializer)?.get())
        .ok_or_else(|| D::Error::custom("expected a string"))
}

/// Like [`secret_string`], but deserializes `null` as `None`. Combine it with `#[serde(default)]`
/// for a field that may be missing.
///
/// # Errors
/// As for [`secret_string`].
pub fn optional_secret_string<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(deserializer)? else { return Ok(None) };
    secret_from_raw(raw.get()).map(Some).ok_or_else(|| D::Error::custom("expected a string"))
}

/// Decodes the JSON string `raw`, quotes included, or returns `None` if it is not a string.
pub fn secret_from_raw(raw: &str) -> Option<SecretString> {
    Some((&*unescape(raw)?).into())
}
