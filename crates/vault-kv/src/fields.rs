//! The fields of a secret, zeroized on drop.
//!
//! A string is kept byte for byte, any other value as its JSON text, so that a number keeps its
//! digits.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use vault_http::json;

use crate::same_json::same_json;

/// The named fields of a secret. `Debug` shows the names and masks the values.
#[derive(Debug, Clone, Default)]
pub struct Fields(BTreeMap<String, Value>);

/// The value of a field.
#[derive(Debug, Clone)]
pub enum Value {
    /// A string, decoded.
    Text(SecretString),
    /// Any other JSON value, as the server sent it.
    Json(SecretString),
}

impl Fields {
    /// Creates an empty set of fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a field.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.0.insert(name.into(), Value::Text(value));
        self
    }

    /// Returns the string in field `name`.
    ///
    /// # Errors
    /// [`FieldError`] if the field is missing or not a string.
    pub fn text(&self, name: &str) -> Result<&SecretString, FieldError> {
        match self.0.get(name) {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Json(_)) => Err(FieldError::NotText { field: name.to_owned() }),
            None => Err(FieldError::Missing { field: name.to_owned() }),
        }
    }

    /// Removes and returns the string in field `name`.
    ///
    /// # Errors
    /// [`FieldError`] if the field is missing or not a string.
    pub fn into_text(mut self, name: &str) -> Result<SecretString, FieldError> {
        match self.0.remove(name) {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Json(_)) => Err(FieldError::NotText { field: name.to_owned() }),
            None => Err(FieldError::Missing { field: name.to_owned() }),
        }
    }

    /// Returns a serializable view that contains the values in the clear. Use it only for the body
    /// of a response to a caller that may read them.
    pub fn expose(&self) -> impl Serialize + '_ {
        Exposed(self)
    }

    /// Returns the fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the total length of all names and values, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.bytes()).sum()
    }

    /// Returns the length of the longest value, in bytes.
    pub(crate) fn longest_value(&self) -> usize {
        self.0.values().map(Value::bytes).max().unwrap_or_default()
    }

    /// Returns whether both have the same fields with the same values. JSON is compared by meaning.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.iter().zip(other.iter()).all(|(a, b)| a.0 == b.0 && a.1.same_as(b.1))
    }
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.expose_secret().len(),
        }
    }

    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.expose_secret() == b.expose_secret(),
            (Self::Json(a), Self::Json(b)) => same_json(a.expose_secret(), b.expose_secret()),
            _ => false,
        }
    }
}

/// The error of a field that has no string value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The secret has no such field.
    #[error("no field `{field}`")]
    Missing {
        /// The field's name.
        field: String,
    },
    /// The field holds another JSON value, such as a number or a list.
    #[error("the field `{field}` is not a string")]
    NotText {
        /// The field's name.
        field: String,
    },
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the fields of a secret")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if fields.insert(name, value).is_some() {
                        return Err(M::Error::custom("duplicate field"));
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text is borrowed from the body of the response, which is zeroized.
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('"') {
            return Ok(Self::Json(raw.get().into()));
        }
        json::secret_from_raw(raw)
            .map(Self::Text)
            .ok_or_else(|| D::Error::custom("invalid escape in a field"))
    }
}

/// A serializable view of fields that contains the values in the clear.
pub(crate) struct Exposed<'a>(pub(crate) &'a Fields);

impl Serialize for Exposed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.0.len()))?;
        for (name, value) in self.0.iter() {
            match value {
                Value::Text(text) => map.serialize_entry(name, text.expose_secret())?,
                Value::Json(json) => {
                    let raw: &RawValue =
                        serde_json::from_str(json.expose_secret()).map_err(S::Error::custom)?;
                    map.serialize_entry(name, raw)?;
                }
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Fields, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn strings_and_digits_of_numbers_are_kept_byte_for_byte() {
        let fields =
            parse(r#"{"key":"cl\u00e9 \"\n\\ ","empty":"","n":12345678901234567890.10}"#).unwrap();
        assert_eq!(fields.text("key").unwrap().expose_secret(), "clé \"\n\\ ");
        assert_eq!(fields.text("empty").unwrap().expose_secret(), "");
        assert_eq!(fields.text("n").unwrap_err(), FieldError::NotText { field: "n".into() });
        assert_eq!(fields.text("x").unwrap_err(), FieldError::Missing { field: "x".into() });
        let (names, number) = ("key".len() + "empty".len() + "n".len(), "12345678901234567890.10");
        assert_eq!(fields.bytes(), names + "clé \"\n\\ ".len() + number.len());
        let sent = serde_json::to_string(&Exposed(&fields)).unwrap();
        assert!(
            sent.contains(r#""n":12345678901234567890.10"#),
            "numbers keep their digits: {sent}"
        );
        assert!(parse(&sent).unwrap().same_as(&fields));
    }

    #[test]
    fn duplicate_field_is_rejected() {
        assert!(parse(r#"{"key":"a","key":"b"}"#).is_err());
    }

    #[test]
    fn debug_output_masks_values() {
        let shown = format!("{:?}", parse(r#"{"key":"planted","n":1234567}"#).unwrap());
        assert!(shown.contains("key") && !shown.contains("planted") && !shown.contains("1234567"));
    }
}
