//! Validation of documents whose names and escapes `serde_json` does not check.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use super::unescape::{Unescaped, string_len, unescape};

/// The maximum nesting depth, which is that of `serde_json` for typed values.
const MAX_DEPTH: usize = 127;

/// The shape of a document, as far as it matters for the envelope of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonShape {
    Null,
    Object,
    /// An object with a member `errors` that is not null.
    Errors,
    /// An array or a scalar.
    Other,
}

/// Returns the shape of `body`, or `None` if it is not JSON, is nested too deeply, or has a
/// duplicate name in an object, which parsers interpret differently.
///
/// See [RFC 8259, section 4](https://www.rfc-editor.org/rfc/rfc8259#section-4) on duplicate names.
pub(crate) fn validate(body: &[u8]) -> Option<JsonShape> {
    let document: &RawValue = serde_json::from_str(str::from_utf8(body).ok()?).ok()?;
    let mut pass = Pass::default();
    pass.run(document.get())?;
    Some(match document.get().as_bytes().first()? {
        b'{' if pass.has_errors => JsonShape::Errors,
        b'{' => JsonShape::Object,
        b'n' => JsonShape::Null,
        _ => JsonShape::Other,
    })
}

/// A pass over a document whose grammar has been validated.
#[derive(Default)]
struct Pass<'a> {
    /// The names of each open object; `None` for an open array.
    open: Vec<Option<Names<'a>>>,
    has_errors: bool,
}

impl<'a> Pass<'a> {
    fn run(&mut self, text: &'a str) -> Option<()> {
        let mut rest = text;
        while let Some(at) = rest.find(['"', '{', '}', '[', ']']) {
            rest = rest.get(at..)?;
            let mut len = 1;
            match rest.as_bytes().first()? {
                b'"' => {
                    len = string_len(rest)?;
                    self.string(rest.get(..len)?, rest.get(len..)?.trim_start())?;
                }
                b'{' => self.open.push(Some(Names::default())),
                b'[' => self.open.push(None),
                _ => drop(self.open.pop()),
            }
            if self.open.len() > MAX_DEPTH {
                return None;
            }
            rest = rest.get(len..)?;
        }
        Some(())
    }

    /// Validates a string and, if it is the name of a member, that the name is not a duplicate.
    fn string(&mut self, raw: &'a str, after: &str) -> Option<()> {
        let text = unescape(raw)?;
        let Some(value) = after.strip_prefix(':') else { return Some(()) };
        if self.open.len() == 1 && *text == *"errors" {
            self.has_errors = !value.trim_start().starts_with("null");
        }
        // A name is not a secret.
        let name = match text {
            Unescaped::Plain(name) => Cow::Borrowed(name),
            Unescaped::Decoded(name) => Cow::Owned(name.as_str().to_owned()),
        };
        self.open.last_mut()?.as_mut()?.insert(name).then_some(())
    }
}

/// The names of an object. The first [`FEW`] are searched linearly, which suffices for most
/// objects.
#[derive(Default)]
struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

/// The number of names that are searched linearly.
const FEW: usize = 16;

impl<'a> Names<'a> {
    /// Inserts `name` and returns whether it was new.
    fn insert(&mut self, name: Cow<'a, str>) -> bool {
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
