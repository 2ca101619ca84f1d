//! JSON that means one thing only: no name twice in an object, nesting within the parser's limit.
//!
//! `serde_json` skips what nobody asks for without looking at its depth or its names. An answer
//! that two readers could take differently is none of Vault's.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Whether `body` is one such document.
pub(crate) fn is_strict(body: &[u8]) -> bool {
    serde_json::from_slice::<Strict>(body).is_ok()
}

/// Any value; it is looked at and dropped.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        while items.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        let mut names = Names::default();
        while entries.next_key_seed(&mut names)?.is_some() {
            entries.next_value::<Strict>()?;
        }
        Ok(Strict)
    }
}

/// The names of one object. Few names are compared one by one; that is what most objects have.
#[derive(Default)]
struct Names {
    few: Vec<Box<str>>,
    many: HashSet<Box<str>>,
}

const FEW: usize = 16;

impl Names {
    /// Whether `name` is new.
    fn insert(&mut self, name: &str) -> bool {
        if self.few.iter().any(|known| **known == *name) || self.many.contains(name) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(name.into());
        } else {
            self.many.insert(name.into());
        }
        true
    }
}

impl<'de> DeserializeSeed<'de> for &mut Names {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for &mut Names {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        if self.insert(name) { Ok(()) } else { Err(E::custom("a name that stands twice")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: bool) {
        assert_eq!(is_strict(body.as_bytes()), expected, "{}", body.get(..60).unwrap_or(body));
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
        assert!(!is_strict(b"{\"a\":\"\xff\"}"));
    }
}
