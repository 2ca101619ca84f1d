//! Validation in one pass, for documents without escapes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use super::JsonShape;
use super::names::Names;

/// Like [`validate`](super::validate), but also returns `None` if a number is outside the range of
/// `f64`. `text` must not contain a backslash, because `serde_json` decodes escapes in memory that is
/// not zeroized.
pub(super) fn validate(text: &str) -> Option<JsonShape> {
    let mut names = Names::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let shape = Element(&mut names).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(shape)
}

/// Deserializes a value to its shape, and validates the names of its objects.
struct Element<'n, 'a>(&'n mut Names<'a>);

impl<'a> DeserializeSeed<'a> for Element<'_, 'a> {
    type Value = JsonShape;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<JsonShape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Element<'_, 'a> {
    type Value = JsonShape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<JsonShape, E> {
        Ok(JsonShape::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonShape, E> {
        Ok(JsonShape::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<JsonShape, E> {
        Ok(JsonShape::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<JsonShape, E> {
        Ok(JsonShape::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<JsonShape, E> {
        Ok(JsonShape::Other)
    }

    fn visit_borrowed_str<E>(self, _: &'a str) -> Result<JsonShape, E> {
        Ok(JsonShape::Other)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<JsonShape, A::Error> {
        while array.next_element_seed(Element(self.0))?.is_some() {}
        Ok(JsonShape::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<JsonShape, A::Error> {
        let mut object = self.0.open();
        let mut shape = JsonShape::Object;
        while let Some(name) = members.next_key::<&'a str>()? {
            if !self.0.insert(&mut object, Cow::Borrowed(name)) {
                return Err(A::Error::custom("duplicate name"));
            }
            let value = members.next_value_seed(Element(self.0))?;
            if name == "errors" && value != JsonShape::Null {
                shape = JsonShape::Errors;
            }
        }
        self.0.close(&object);
        Ok(shape)
    }
}
