//! Deserialization of one value, from the deserializer of any format.
//!
//! `serde_json` passes the JSON text, from which a string is decoded without a copy that is not
//! zeroized. Other formats pass a value in their own form.

use std::fmt;

use secrecy::zeroize::Zeroize;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use vault_http::json;

use super::map::Fields;
use super::raw::{RawVisitor, deserialize_raw};
use super::value::Value;

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_raw(deserializer, ValueVisitor { raw_name: None })
    }
}

/// Returns the error of a value of another type. The default of [`Visitor`] quotes the value.
macro_rules! reject {
    ($message:literal: $($method:ident($type:ty)),*) => {
        $(
            fn $method<E: Error>(self, _: $type) -> Result<Self::Value, E> {
                Err(E::custom($message))
            }
        )*
    };
}
pub(super) use reject;

struct ValueVisitor {
    /// The name of an entry that contains JSON text.
    raw_name: Option<&'static str>,
}

impl RawVisitor<'_> for ValueVisitor {
    fn with_raw_name(self, name: &'static str) -> Self {
        Self { raw_name: Some(name) }
    }
}

macro_rules! convert {
    ($($method:ident($type:ty)),*) => {
        $(
            fn $method<E: Error>(self, value: $type) -> Result<Value, E> {
                Ok(Value::from(value))
            }
        )*
    };
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can represent")
    }

    convert! {
        visit_bool(bool), visit_i64(i64), visit_i128(i128), visit_u64(u64), visit_u128(u128),
        visit_str(&str), visit_string(String)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if !value.is_finite() {
            return Err(E::custom("a number that JSON cannot represent"));
        }
        Value::from_serialize(&value).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::null())
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::null())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(Self { raw_name: None })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::list(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        match map.next_key_seed(Key { raw_name: self.raw_name })? {
            Some(Name::Raw) => map.next_value_seed(JsonText),
            Some(Name::Field(first)) => read_fields(Some(first), map).map(Value::object),
            None => Ok(Value::object(Fields::new())),
        }
    }
}

/// Reads the fields from a map, of which the name of the first one may have been read already.
pub(super) fn read_fields<'de, A: MapAccess<'de>>(
    first: Option<String>,
    mut map: A,
) -> Result<Fields, A::Error> {
    let mut fields = Fields::new();
    let mut next = first;
    loop {
        let name = match next.take() {
            Some(name) => name,
            None => match map.next_key_seed(Key { raw_name: None })? {
                Some(Name::Field(name)) => name,
                Some(Name::Raw) | None => return Ok(fields),
            },
        };
        let value: Value = map.next_value()?;
        if fields.insert(name, value).is_some() {
            return Err(A::Error::custom("duplicate field"));
        }
    }
}

/// The name of an entry in a map.
enum Name {
    /// The entry contains JSON text.
    Raw,
    Field(String),
}

struct Key {
    raw_name: Option<&'static str>,
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(if self.raw_name == Some(name) { Name::Raw } else { Name::Field(name.to_owned()) })
    }

    fn visit_string<E: Error>(self, name: String) -> Result<Name, E> {
        Ok(if self.raw_name == Some(&*name) { Name::Raw } else { Name::Field(name) })
    }

    reject! {
        "the name of a field is not a string":
        visit_bool(bool), visit_i64(i64), visit_i128(i128), visit_u64(u64), visit_u128(u128),
        visit_f64(f64)
    }
}

/// Deserializes JSON text.
struct JsonText;

impl<'de> DeserializeSeed<'de> for JsonText {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for JsonText {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        if !text.starts_with('"') {
            return Ok(Value::from_json(text.into()));
        }
        json::secret_from_raw(text)
            .map(Value::text)
            .ok_or_else(|| E::custom("invalid escape in a field"))
    }

    fn visit_string<E: Error>(self, mut text: String) -> Result<Value, E> {
        let value = self.visit_str(&text);
        text.zeroize();
        value
    }
}
