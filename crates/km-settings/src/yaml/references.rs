//! The names behind `os.environ/NAME`, wherever in the file such a value stands.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::node::{Node, Value};

/// What a string value begins with that stands for an environment variable or a secret.
pub(crate) const PREFIX: &str = "os.environ/";

/// The names in one part of the file, in file order. The rest of that part is dropped as it is
/// read, provider keys included.
#[derive(Debug, Default)]
pub(super) struct References(pub(super) Vec<String>);

impl References {
    /// The names in a part that was kept.
    pub(super) fn within(node: &Node) -> Self {
        let mut found = Self::default();
        found.collect(node);
        found
    }

    fn collect(&mut self, node: &Node) {
        match &node.value {
            Value::Text(text) => self.note(text),
            Value::List(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Map(entries) => entries.iter().for_each(|entry| self.collect(&entry.node)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A prefix without a name refers to nothing.
    fn note(&mut self, text: &str) {
        if let Some(name) = text.strip_prefix(PREFIX).filter(|name| !name.is_empty()) {
            self.0.push(name.to_owned());
        }
    }
}

impl<'de> Deserialize<'de> for References {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReferencesVisitor)
    }
}

struct ReferencesVisitor;

impl<'de> Visitor<'de> for ReferencesVisitor {
    type Value = References;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<References, E> {
        Ok(References::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<References, E> {
        Ok(References::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<References, E> {
        Ok(References::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<References, E> {
        Ok(References::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<References, E> {
        Ok(References::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<References, E> {
        let mut found = References::default();
        found.note(text);
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<References, A::Error> {
        let mut found = References::default();
        while let Some(item) = items.next_element::<References>()? {
            found.0.extend(item.0);
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<References, A::Error> {
        let mut found = References::default();
        while pairs.next_key::<IgnoredAny>()?.is_some() {
            found.0.extend(pairs.next_value::<References>()?.0);
        }
        Ok(found)
    }
}
