//! Deserialization of fields, from the deserializer of any self-describing format.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::any::{read_fields, reject};
use super::map::Fields;

/// Deserializes fields from any self-describing format, such as JSON or YAML. No error quotes a
/// value, unless the format's own parser does so for invalid syntax.
///
/// Deserialize JSON from a `&str` or a `&[u8]` if the text is zeroized later: strings are then
/// decoded without another copy, and numbers keep their digits. A reader and other formats copy
/// text in buffers of their own, which are not zeroized.
impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // If a map were requested, the deserializer itself would reject a string, and quote it.
        deserializer.deserialize_any(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a secret")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Fields, A::Error> {
        read_fields(None, map)
    }

    reject! {
        "the fields of a secret are not a map":
        visit_bool(bool), visit_i64(i64), visit_i128(i128), visit_u64(u64), visit_u128(u128),
        visit_f64(f64), visit_str(&str)
    }
}
