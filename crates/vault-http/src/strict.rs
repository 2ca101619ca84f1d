//! JSON that means one thing only: no name twice in an object, nesting within the parser's limit.
//!
//! `serde_json` skips what nobody asks for without looking at its depth or its names. An answer
//! that two readers could take differently is none of Vault's.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What a document is, as far as it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Null,
    /// An object.
    Object,
    /// An object whose `errors` is there and not null.
    Errors,
    /// An array or a plain value.
    Other,
}

/// Looks through `body`; `None` when it is no such document.
pub(crate) fn look(body: &[u8]) -> Option<Seen> {
    serde_json::from_slice(body).ok()
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Seen, A::Error> {
        while items.next_element::<Seen>()?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Seen, A::Error> {
        let mut names = Names::default();
        let mut seen = Seen::Object;
        while let Some(name) = entries.next_key_seed(Name)? {
            let errors = name == "errors";
            if !names.insert(name) {
                return Err(A::Error::custom("a name that stands twice"));
            }
            if entries.next_value::<Seen>()? != Seen::Null && errors {
                seen = Seen::Errors;
            }
        }
        Ok(seen)
    }
}

/// The names of one object. Few names are compared one by one; that is what most objects have.
#[derive(Default)]
struct Names<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

const FEW: usize = 16;

impl<'de> Names<'de> {
    /// Whether `name` is new.
    fn insert(&mut self, name: Cow<'de, str>) -> bool {
        if self.few.contains(&name) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(name);
            return true;
        }
        self.many.insert(name)
    }
}

/// A name, borrowed from the body unless it has an escape in it.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: bool) {
        assert_eq!(look(body.as_bytes()).is_some(), expected, "{}", body.get(..60).unwrap_or(body));
    }

    #[test]
    fn one_meaning_only() {
        check(r#"{"a":{"b":[1,-2,3.5,"x\u00e9",null,true]},"b":{"a":1}}"#, true);
        check(r#"{"a":1,"a":2}"#, false);
        check(r#"{"x":[{"a":1,"b":2,"a":3}]}"#, false);
        check(r#"{"a":1,"\u0061":2}"#, false);
        check(r#"{"a":NaN}"#, false);
        check(r#"{"a":1} trailing"#, false);
        check(r#"{"a":1"#, false);
        check("", false);
        let many = |last: &str| {
            let names: Vec<_> = (0..50).map(|n| format!("\"n{n}\":0")).collect();
            format!("{{{},\"{last}\":0}}", names.join(","))
        };
        check(&many("n50"), true);
        check(&many("n3"), false);
        check(&many("n49"), false);
    }

    #[test]
    fn nesting_ends_at_the_parsers_limit() {
        check(&format!("{}{}", "[".repeat(120), "]".repeat(120)), true);
        check(&format!("{}{}", "[".repeat(130), "]".repeat(130)), false);
        check(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), false);
    }

    #[test]
    fn what_is_not_utf_8_is_no_json() {
        assert_eq!(look(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn errors_are_seen_at_the_top() {
        let check = |body: &str, expected| assert_eq!(look(body.as_bytes()), Some(expected));
        check(r#"{"errors":["x"]}"#, Seen::Errors);
        check(r#"{"errors":[]}"#, Seen::Errors);
        check(r#"{"data":{"errors":["x"]},"errors":null}"#, Seen::Object);
        check(r#"[{"errors":["x"]}]"#, Seen::Other);
        check("null", Seen::Null);
    }
}
