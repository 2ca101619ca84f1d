//! A mapping of which some keys are ours: those are kept, the others only searched for references.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::node::{Node, Value};

/// A part of the file that must be a mapping, or absent.
#[derive(Debug, Default)]
pub(super) enum Part<M> {
    #[default]
    Absent,
    Mapping(M),
    /// Something else. It belongs to nobody and is skipped.
    Other,
}

/// What to do with each pair of a mapping.
pub(super) trait Pairs: Default {
    /// Takes the value that belongs to `key`, or another key's that is no text (`None`).
    ///
    /// # Errors
    ///
    /// The parser's own.
    fn pair<'de, A: MapAccess<'de>>(
        &mut self,
        key: Option<&str>,
        line: u64,
        value: &mut A,
    ) -> Result<(), A::Error>;
}

impl<'de, M: Pairs> Deserialize<'de> for Part<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor(PhantomData))
    }
}

struct PartVisitor<M>(PhantomData<M>);

impl<'de, M: Pairs> Visitor<'de> for PartVisitor<M> {
    type Value = Part<M>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping")
    }

    fn visit_unit<E>(self) -> Result<Part<M>, E> {
        Ok(Part::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Part<M>, E> {
        Ok(Part::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Part<M>, E> {
        Ok(Part::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Part<M>, E> {
        Ok(Part::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Part<M>, E> {
        Ok(Part::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Part<M>, E> {
        Ok(Part::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Part<M>, A::Error> {
        while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Part::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Part<M>, A::Error> {
        let mut mapping = M::default();
        while let Some(Node { line, value }) = pairs.next_key::<Node>()? {
            let key = match &value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            };
            mapping.pair(key, line, &mut pairs)?;
        }
        Ok(Part::Mapping(mapping))
    }
}
