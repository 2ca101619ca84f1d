//! Validation in two passes, without decoding a string in memory that is not zeroized.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::names::{Names, Object};
use super::shape::JsonShape;
use crate::json::unescape::{Unescaped, string_len, unescape, without_quotes};

/// The maximum nesting depth, which is that of `serde_json` for typed values.
const MAX_DEPTH: usize = 127;

/// Like [`validate`](super::validate), for any document.
pub(super) fn validate(text: &str) -> Option<JsonShape> {
    let document: &RawValue = serde_json::from_str(text).ok()?;
    let mut validator = Validator { open: Vec::new(), names: Names::new(), has_errors: false };
    validator.run(document.get())?;
    Some(match document.get().as_bytes().first()? {
        b'{' if validator.has_errors => JsonShape::Errors,
        b'{' => JsonShape::Object,
        b'n' => JsonShape::Null,
        _ => JsonShape::Other,
    })
}

/// A validator of names and escapes in a document whose grammar has been validated.
struct Validator<'a> {
    open: Vec<Scope<'a>>,
    names: Names<'a>,
    has_errors: bool,
}

/// An open array or object.
enum Scope<'a> {
    Array,
    Object(Object<'a>),
}

impl<'a> Validator<'a> {
    fn run(&mut self, text: &'a str) -> Option<()> {
        let is_token = |byte: &u8| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']');
        let mut rest = text;
        while let Some(at) = rest.as_bytes().iter().position(is_token) {
            rest = rest.get(at..)?;
            let mut len = 1;
            match rest.as_bytes().first()? {
                b'"' => {
                    let has_escape;
                    (len, has_escape) = string_len(rest)?;
                    self.string(rest.get(..len)?, has_escape, rest.get(len..)?)?;
                }
                b'{' => self.open.push(Scope::Object(self.names.open())),
                b'[' => self.open.push(Scope::Array),
                _ => {
                    if let Some(Scope::Object(object)) = self.open.pop() {
                        self.names.close(&object);
                    }
                }
            }
            if self.open.len() > MAX_DEPTH {
                return None;
            }
            rest = rest.get(len..)?;
        }
        Some(())
    }

    /// Validates a string and, if it is the name of a member, that the name is not a duplicate.
    fn string(&mut self, raw: &'a str, has_escape: bool, after: &str) -> Option<()> {
        let text = if has_escape { unescape(raw)? } else { Unescaped::Plain(without_quotes(raw)?) };
        let Some(value) = after_colon(after) else { return Some(()) };
        if self.open.len() == 1 && *text == *"errors" {
            self.has_errors = !value.trim_start().starts_with("null");
        }
        // A name is not a secret.
        let name = match text {
            Unescaped::Plain(name) => Cow::Borrowed(name),
            Unescaped::Decoded(name) => Cow::Owned(name.as_str().to_owned()),
        };
        let Some(Scope::Object(object)) = self.open.last_mut() else { return None };
        self.names.insert(object, name).then_some(())
    }
}

/// Returns the text after a colon, which white space may precede. Returns `None` if no colon
/// follows.
fn after_colon(text: &str) -> Option<&str> {
    text.strip_prefix(':').or_else(|| text.trim_start().strip_prefix(':'))
}
