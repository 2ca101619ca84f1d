//! A request for the JSON text of a value, which `serde_json` returns without parsing it.
//!
//! [`RawValue`] is such a request, but it fails where a deserializer does not borrow, or is not
//! that of `serde_json`. [`RawRequest`] sends the same request with another visitor, which accepts
//! whatever the deserializer returns.

use std::fmt::{self, Display};

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

/// A visitor that accepts JSON text as well as a value in the deserializer's own form.
pub(super) trait RawVisitor<'de>: Visitor<'de> {
    /// Sets the name under which the deserializer passes JSON text: it calls
    /// [`visit_map`](Visitor::visit_map) with a single entry of this name.
    fn with_raw_name(self, name: &'static str) -> Self;
}

/// Deserializes by `visitor`, with JSON text if the deserializer supports it.
pub(super) fn deserialize_raw<'de, D, V>(deserializer: D, visitor: V) -> Result<V::Value, D::Error>
where
    D: Deserializer<'de>,
    V: RawVisitor<'de>,
{
    match <&RawValue>::deserialize(RawRequest(deserializer, visitor)) {
        Err(Outcome::Value(value)) => Ok(value),
        Err(Outcome::Failed(error)) => Err(error),
        // `RawRequest` never succeeds.
        Ok(_) => Err(de::Error::custom("unexpected JSON text")),
    }
}

/// A deserializer that answers the request of [`RawValue`] by its own visitor. The outcome is in
/// the error, because the success is a `RawValue`.
struct RawRequest<D, V>(D, V);

impl<'de, D: Deserializer<'de>, R: RawVisitor<'de>> Deserializer<'de> for RawRequest<D, R> {
    type Error = Outcome<R::Value, D::Error>;

    fn deserialize_newtype_struct<W: Visitor<'de>>(
        self,
        name: &'static str,
        _: W,
    ) -> Result<W::Value, Self::Error> {
        let Self(deserializer, visitor) = self;
        let visitor = visitor.with_raw_name(name);
        let outcome = deserializer.deserialize_newtype_struct(name, visitor);
        Err(outcome.map_or_else(Outcome::Failed, Outcome::Value))
    }

    fn deserialize_any<W: Visitor<'de>>(self, _: W) -> Result<W::Value, Self::Error> {
        let outcome = self.0.deserialize_any(self.1);
        Err(outcome.map_or_else(Outcome::Failed, Outcome::Value))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The outcome of a [`RawRequest`], as its error.
enum Outcome<T, E> {
    Value(T),
    Failed(E),
}

impl<T, E: de::Error> de::Error for Outcome<T, E> {
    fn custom<M: Display>(message: M) -> Self {
        Self::Failed(E::custom(message))
    }
}

impl<T, E: de::Error> std::error::Error for Outcome<T, E> {}

impl<T, E: Display> Display for Outcome<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("a value"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<T, E: Display> fmt::Debug for Outcome<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}
