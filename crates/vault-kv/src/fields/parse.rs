//! Conversion of fields, and of single values, into types of `serde`.
//!
//! The deserializers are our own, because the errors of `serde_json` quote values.

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, Expected, MapAccess, Unexpected, Visitor,
};

use super::error::ParseError;
use super::map::{Fields, Iter};
use super::value::Value;

impl Fields {
    /// Converts the fields into a type of `serde`, for example a struct with a member for each
    /// field.
    ///
    /// A number or a boolean may also be stored as its text, as `vault kv put` does. The type may
    /// borrow strings from the fields. Use `SecretString` for strings that are to be zeroized.
    /// Strings within lists and objects pass through a buffer of `serde_json` that is not zeroized
    /// if they contain escapes.
    ///
    /// ```
    /// use secrecy::SecretString;
    /// use serde::Deserialize;
    /// use vault_kv::Fields;
    ///
    /// #[derive(Deserialize)]
    /// struct Database {
    ///     user: String,
    ///     password: SecretString,
    ///     port: u16,
    /// }
    ///
    /// let fields = Fields::new().with("user", "app").with("password", "s3cret");
    /// let database: Database = fields.clone().with("port", "5432").parse()?;
    /// assert_eq!(database.port, 5432);
    ///
    /// let error = fields.with("port", "s3cret").parse::<Database>().err();
    /// assert_eq!(error.map(|error| error.to_string()).as_deref(), Some("field `port`: expected u16"));
    /// # Ok::<(), vault_kv::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] names the field that is missing or does not fit, and never contains a value.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ParseError> {
        let access = FieldsAccess { rest: self.iter(), value: None };
        T::deserialize(MapAccessDeserializer::new(access))
            .map_err(|error| error.in_fields(|name| self.contains(name)))
    }
}

impl Value {
    /// Converts the value into a type of `serde`. As in [`Fields::parse`], a number or a boolean
    /// may also be stored as its text.
    ///
    /// # Errors
    /// [`ParseError`] if the value does not fit. It never contains the value.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ParseError> {
        T::deserialize(ValueDeserializer(self)).map_err(ParseError::in_value)
    }
}

struct FieldsAccess<'a> {
    rest: Iter<'a>,
    /// The field whose name was read last.
    value: Option<(&'a str, &'a Value)>,
}

impl<'a> MapAccess<'a> for FieldsAccess<'a> {
    type Error = ParseError;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ParseError> {
        self.value = self.rest.next();
        let Some((name, _)) = self.value else { return Ok(None) };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, ParseError> {
        let (name, value) = self.value.take().ok_or_else(|| ParseError::invalid(None))?;
        seed.deserialize(ValueDeserializer(value)).map_err(|error| error.in_field(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct ValueDeserializer<'a>(&'a Value);

enum Content<'a> {
    Text(&'a str),
    Json(&'a str),
}

impl<'a> ValueDeserializer<'a> {
    fn content(&self) -> Content<'a> {
        match (self.0.as_text(), self.0.as_json()) {
            (Some(text), _) => Content::Text(text.expose_secret()),
            (None, json) => Content::Json(json.map_or("null", |json| json.expose_secret())),
        }
    }
}

type JsonDeserializer<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

/// Deserializes JSON. The text of the error is replaced by that of the visitor.
fn read_json<'a, V: Visitor<'a>>(
    json: &'a str,
    visitor: V,
    read: impl FnOnce(&mut JsonDeserializer<'a>, V) -> serde_json::Result<V::Value>,
) -> Result<V::Value, ParseError> {
    let expected = (&visitor as &dyn Expected).to_string();
    read(&mut serde_json::Deserializer::from_str(json), visitor)
        .map_err(|_| ParseError::invalid(Some(expected)))
}

/// Scalars, which may also be stored as their text.
macro_rules! scalars {
    ($($method:ident: $type:ty => $visit:ident),*) => {
        $(
            fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ParseError> {
                match self.content() {
                    Content::Text(text) => match text.parse::<$type>() {
                        Ok(value) => visitor.$visit(value),
                        Err(_) => Err(ParseError::invalid_type(Unexpected::Other(""), &visitor)),
                    },
                    Content::Json(json) => read_json(json, visitor, |json, v| json.$method(v)),
                }
            }
        )*
    };
}

/// Values that are stored as such. A string is passed to every visitor, which then reports what it
/// expects.
macro_rules! values {
    ($($method:ident($($name:ident: $type:ty),*)),*) => {
        $(
            fn $method<V: Visitor<'a>>(
                self,
                $($name: $type,)*
                visitor: V,
            ) -> Result<V::Value, ParseError> {
                match self.content() {
                    Content::Text(text) => visitor.visit_borrowed_str(text),
                    Content::Json(json) => {
                        read_json(json, visitor, |json, v| json.$method($($name,)* v))
                    }
                }
            }
        )*
    };
}

impl<'a> Deserializer<'a> for ValueDeserializer<'a> {
    type Error = ParseError;

    scalars! {
        deserialize_bool: bool => visit_bool,
        deserialize_i8: i64 => visit_i64,
        deserialize_i16: i64 => visit_i64,
        deserialize_i32: i64 => visit_i64,
        deserialize_i64: i64 => visit_i64,
        deserialize_i128: i128 => visit_i128,
        deserialize_u8: u64 => visit_u64,
        deserialize_u16: u64 => visit_u64,
        deserialize_u32: u64 => visit_u64,
        deserialize_u64: u64 => visit_u64,
        deserialize_u128: u128 => visit_u128,
        deserialize_f32: f64 => visit_f64,
        deserialize_f64: f64 => visit_f64
    }

    values! {
        deserialize_any(), deserialize_char(), deserialize_str(), deserialize_string(),
        deserialize_bytes(), deserialize_byte_buf(), deserialize_unit(), deserialize_seq(),
        deserialize_map(), deserialize_identifier(), deserialize_tuple(len: usize),
        deserialize_unit_struct(name: &'static str),
        deserialize_tuple_struct(name: &'static str, len: usize),
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ParseError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        match self.content() {
            Content::Text(_) => visitor.visit_newtype_struct(self),
            // This may be a request for JSON text.
            Content::Json(json) => {
                read_json(json, visitor, |json, v| json.deserialize_newtype_struct(name, v))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        match self.content() {
            Content::Text(text) => {
                BorrowedStrDeserializer::new(text).deserialize_enum(name, variants, visitor)
            }
            Content::Json(json) => {
                read_json(json, visitor, |json, v| json.deserialize_enum(name, variants, v))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ParseError> {
        visitor.visit_unit()
    }
}
