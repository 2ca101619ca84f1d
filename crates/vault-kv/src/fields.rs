//! What is stored in a secret: named fields, wiped when dropped.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use vault_http::json;

use crate::same_json::same_json;

/// The fields of a secret. `Debug` shows their names and masks their values.
#[derive(Debug, Clone, Default)]
pub struct Fields(BTreeMap<String, Value>);

/// The value of a field.
#[derive(Debug, Clone)]
pub enum Value {
    /// A string.
    Text(SecretString),
    /// Anything else, as the JSON that came from the server.
    Json(SecretString),
}

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field, or replaces it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.0.insert(name.into(), Value::Text(value));
        self
    }

    /// The string in field `name`.
    ///
    /// # Errors
    /// [`FieldError`] when it is missing or no string.
    pub fn text(&self, name: &str) -> Result<&SecretString, FieldError> {
        match self.0.get(name) {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Json(_)) => Err(FieldError::NotText { field: name.to_owned() }),
            None => Err(FieldError::Missing { field: name.to_owned() }),
        }
    }

    /// The same as [`text`](Self::text), taken out.
    ///
    /// # Errors
    /// [`FieldError`] when it is missing or no string.
    pub fn into_text(mut self, name: &str) -> Result<SecretString, FieldError> {
        match self.0.remove(name) {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Json(_)) => Err(FieldError::NotText { field: name.to_owned() }),
            None => Err(FieldError::Missing { field: name.to_owned() }),
        }
    }

    /// A form that can be written down, values readable: for a body that is on its way to whoever
    /// may have them, and for nothing else.
    pub fn expose(&self) -> impl Serialize + '_ {
        Exposed(self)
    }

    /// All fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Bytes of all names and values.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.bytes()).sum()
    }

    /// Bytes of the longest value.
    pub(crate) fn longest(&self) -> usize {
        self.0.values().map(Value::bytes).max().unwrap_or_default()
    }

    /// Whether both hold the same fields with the same values, JSON compared by its meaning.
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

/// Why a field gives no string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The secret has no such field.
    #[error("it has no field `{field}`")]
    Missing {
        /// The field's name.
        field: String,
    },
    /// The field holds a number, a list or the like.
    #[error("its field `{field}` is not a string")]
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
                        return Err(M::Error::custom("the same field twice"));
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
        // Borrowed from the response's body, which is zeroized.
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('"') {
            return Ok(Self::Json(raw.get().into()));
        }
        json::secret_from_raw(raw)
            .map(Self::Text)
            .ok_or_else(|| D::Error::custom("a field has an invalid escape"))
    }
}

/// Fields on their way into a request's body, the only place where they have a readable form.
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
    fn strings_are_kept_byte_for_byte() {
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
    fn a_field_that_stands_twice_is_refused() {
        assert!(parse(r#"{"key":"a","key":"b"}"#).is_err());
    }

    #[test]
    fn values_are_masked() {
        let shown = format!("{:?}", parse(r#"{"key":"planted","n":1234567}"#).unwrap());
        assert!(shown.contains("key") && !shown.contains("planted") && !shown.contains("1234567"));
    }
}
