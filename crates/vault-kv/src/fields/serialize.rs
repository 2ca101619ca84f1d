//! Serialization of fields, and of other types into fields.

use secrecy::{ExposeSecret, SecretString};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use vault_http::json;

use super::error::SerializeError;
use super::map::Fields;
use super::value::Value;

/// Serializes a secret string in the clear. It is for the fields of a type that is stored by
/// [`Kv::write_value`](crate::Kv::write_value).
///
/// ```
/// use secrecy::SecretString;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Login {
///     user: String,
///     #[serde(serialize_with = "vault_kv::serialize_exposed")]
///     password: SecretString,
/// }
/// ```
///
/// # Errors
/// The error of `serializer`.
pub fn serialize_exposed<S: Serializer>(
    secret: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl Fields {
    /// Serializes a struct or a map into fields, one for each member, without a copy that is not
    /// zeroized. Mark secret strings with [`serialize_exposed`].
    ///
    /// # Errors
    /// [`SerializeError`] if `value` is not a JSON object.
    pub fn from_serialize(value: &impl Serialize) -> Result<Self, SerializeError> {
        let json = json::to_vec(value).map_err(|_| SerializeError::NotJson)?;
        serde_json::from_slice(&json).map_err(|_| SerializeError::NotAnObject)
    }

    /// Returns a view that serializes to JSON with the values in the clear. Use it only for the
    /// body of a response to a caller that may read them.
    pub fn expose(&self) -> impl Serialize + '_ {
        Exposed(self)
    }
}

impl Value {
    /// Serializes any value that JSON can represent, without a copy that is not zeroized.
    ///
    /// # Errors
    /// [`SerializeError::NotJson`] if JSON cannot represent it.
    pub fn from_serialize(value: &impl Serialize) -> Result<Self, SerializeError> {
        let json = json::to_vec(value).map_err(|_| SerializeError::NotJson)?;
        serde_json::from_slice(&json).map_err(|_| SerializeError::NotJson)
    }

    /// Creates a list.
    pub fn list(values: impl IntoIterator<Item = Self>) -> Self {
        let values: Vec<_> = values.into_iter().collect();
        let values: Vec<_> = values.iter().map(ExposedValue).collect();
        // Values are valid JSON, so this does not fail.
        Self::from_serialize(&values).unwrap_or_else(|_| Self::null())
    }

    /// Creates an object.
    pub fn object(members: Fields) -> Self {
        // Like in `list`.
        Self::from_serialize(&Exposed(&members)).unwrap_or_else(|_| Self::null())
    }

    /// Returns a view that serializes to JSON with the value in the clear. Use it only for the body
    /// of a response to a caller that may read it.
    pub fn expose(&self) -> impl Serialize + '_ {
        ExposedValue(self)
    }
}

/// A serializable view of fields that contains the values in the clear.
pub(crate) struct Exposed<'a>(pub(crate) &'a Fields);

impl Serialize for Exposed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &ExposedValue(value))?;
        }
        map.end()
    }
}

struct ExposedValue<'a>(&'a Value);

impl Serialize for ExposedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0.as_text(), self.0.as_json()) {
            (Some(text), _) => serializer.serialize_str(text.expose_secret()),
            (None, Some(json)) => {
                let raw = serde_json::from_str::<&RawValue>(json.expose_secret());
                raw.map_err(|_| S::Error::custom("invalid JSON"))?.serialize(serializer)
            }
            (None, None) => serializer.serialize_unit(),
        }
    }
}
