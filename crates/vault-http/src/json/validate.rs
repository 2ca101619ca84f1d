//! Validation of documents whose names and escapes `serde_json` does not check.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use super::unescape::{Unescaped, string_len, unescape, without_quotes};

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
    let mut validator = Validator::new();
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
    /// The first names of all open objects, outermost first.
    names: Vec<Cow<'a, str>>,
    has_errors: bool,
}

/// An open array or object.
enum Scope<'a> {
    Array,
    Object {
        /// The index of the first name of the object in [`Validator::names`].
        first_name: usize,
        /// The names after the first [`MAX_LINEAR`].
        more_names: HashSet<Cow<'a, str>>,
    },
}

/// The number of names of an object that are searched linearly, which suffices for most objects.
const MAX_LINEAR: usize = 16;

impl<'a> Validator<'a> {
    fn new() -> Self {
        // Sufficient for the envelope of a secret, so that the vectors are rarely reallocated.
        Self { open: Vec::with_capacity(4), names: Vec::with_capacity(24), has_errors: false }
    }

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
                b'{' => {
                    let (first_name, more_names) = (self.names.len(), HashSet::new());
                    self.open.push(Scope::Object { first_name, more_names });
                }
                b'[' => self.open.push(Scope::Array),
                _ => {
                    if let Some(Scope::Object { first_name, .. }) = self.open.pop() {
                        self.names.truncate(first_name);
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
        self.insert_name(name).then_some(())
    }

    /// Inserts a name into the innermost object, and returns whether it was new.
    fn insert_name(&mut self, name: Cow<'a, str>) -> bool {
        let Some(Scope::Object { first_name, more_names }) = self.open.last_mut() else {
            return false;
        };
        let linear = self.names.get(*first_name..).unwrap_or_default();
        if linear.contains(&name) {
            return false;
        }
        if linear.len() < MAX_LINEAR {
            self.names.push(name);
            return true;
        }
        more_names.insert(name)
    }
}

/// Returns the text after a colon, which white space may precede. Returns `None` if no colon
/// follows.
fn after_colon(text: &str) -> Option<&str> {
    text.strip_prefix(':').or_else(|| text.trim_start().strip_prefix(':'))
}
