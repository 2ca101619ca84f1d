//! JSON that holds secrets: validated, parsed and written without a copy that is not zeroized.
//!
//! `serde_json` unescapes a string in a buffer that grows and is not zeroized, and skips what nobody
//! reads without looking at its names. So `serde_json` checks the grammar, for which it copies
//! nothing, and a walk over the text checks names and escapes. Fields that hold a secret are parsed
//! with [`secret_string`]; other strings are parsed by `serde_json`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io;

use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::zeroizing::ZeroizingBytes;

/// The deepest nesting that is accepted, which is the limit of `serde_json` for typed values.
const MAX_DEPTH: usize = 127;

/// The shape of a document, as far as the envelope of a response is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonShape {
    Null,
    Object,
    /// An object with a member `errors` that is not null.
    Errors,
    /// An array or a scalar.
    Other,
}

/// Returns the shape of `body`, or `None` if it is not JSON, nests too deeply, or has a name twice in
/// one object, so that two parsers could take it differently.
pub(crate) fn validate(body: &[u8]) -> Option<JsonShape> {
    let document: &RawValue = serde_json::from_str(str::from_utf8(body).ok()?).ok()?;
    let mut walk = Walk::new();
    walk.run(document.get())?;
    Some(match document.get().as_bytes().first()? {
        b'{' if walk.has_errors => JsonShape::Errors,
        b'{' => JsonShape::Object,
        b'n' => JsonShape::Null,
        _ => JsonShape::Other,
    })
}

/// A walk over a text whose grammar has been checked.
struct Walk<'a> {
    open: Vec<Scope<'a>>,
    /// The names of all open objects, outermost first.
    names: Vec<Cow<'a, str>>,
    has_errors: bool,
}

/// An open array or object.
enum Scope<'a> {
    Array,
    Object {
        /// The index of the object's first name in [`Walk::names`].
        first: usize,
        /// The names beyond the first [`FEW`], so that a large object is not searched name by name.
        more: HashSet<Cow<'a, str>>,
    },
}

/// The number of names of one object that are compared one by one.
const FEW: usize = 16;

impl<'a> Walk<'a> {
    fn new() -> Self {
        // Enough for an envelope with a secret, so that the vectors seldom grow.
        Self { open: Vec::with_capacity(4), names: Vec::with_capacity(24), has_errors: false }
    }

    fn run(&mut self, text: &'a str) -> Option<()> {
        let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']');
        let mut rest = text;
        while let Some(at) = rest.as_bytes().iter().position(is_mark) {
            rest = rest.get(at..)?;
            let mut len = 1;
            match rest.as_bytes().first()? {
                b'"' => {
                    let escaped;
                    (len, escaped) = string_len(rest)?;
                    self.string(rest.get(..len)?, escaped, rest.get(len..)?)?;
                }
                b'{' => {
                    let (first, more) = (self.names.len(), HashSet::new());
                    self.open.push(Scope::Object { first, more });
                }
                b'[' => self.open.push(Scope::Array),
                _ => {
                    if let Some(Scope::Object { first, .. }) = self.open.pop() {
                        self.names.truncate(first);
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

    /// Checks a string and, if a colon follows, that its object does not have that name yet.
    fn string(&mut self, raw: &'a str, escaped: bool, after: &str) -> Option<()> {
        let text = if escaped { unescape(raw)? } else { Unescaped::Plain(between_quotes(raw)?) };
        let Some(value) = after_colon(after) else { return Some(()) };
        if self.open.len() == 1 && *text == *"errors" {
            self.has_errors = !value.trim_start().starts_with("null");
        }
        // A name is not a secret.
        let name = match text {
            Unescaped::Plain(name) => Cow::Borrowed(name),
            Unescaped::Decoded(name) => Cow::Owned(name.as_str().to_owned()),
        };
        self.insert(name).then_some(())
    }

    /// Adds a name to the innermost scope. Returns whether that is an object without this name.
    fn insert(&mut self, name: Cow<'a, str>) -> bool {
        let Some(Scope::Object { first, more }) = self.open.last_mut() else { return false };
        let few = self.names.get(*first..).unwrap_or_default();
        if few.contains(&name) {
            return false;
        }
        if few.len() < FEW {
            self.names.push(name);
            return true;
        }
        more.insert(name)
    }
}

/// Returns the length of the JSON string that `text` begins with, quotes included, and whether
/// it has an escape.
fn string_len(text: &str) -> Option<(usize, bool)> {
    let (mut at, mut escaped) = (1, false);
    loop {
        let rest = text.as_bytes().get(at..)?;
        at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if text.as_bytes().get(at) == Some(&b'"') {
            return Some((at + 1, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// Returns what follows the colon that `text` begins with, white space aside.
fn after_colon(text: &str) -> Option<&str> {
    text.strip_prefix(':').or_else(|| text.trim_start().strip_prefix(':'))
}

/// Returns `raw` without its quotes, or `None` if it is not a string.
fn between_quotes(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

/// The content of a JSON string.
enum Unescaped<'a> {
    Plain(&'a str),
    Decoded(Zeroizing<String>),
}

impl std::ops::Deref for Unescaped<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// Decodes a JSON string, quotes included. Returns `None` if it is not a string, or an escape in it
/// is not a character, such as half a surrogate pair.
fn unescape(raw: &str) -> Option<Unescaped<'_>> {
    let mut rest = between_quotes(raw)?;
    if !rest.contains('\\') {
        return Some(Unescaped::Plain(rest));
    }
    // A decoded string is never longer than its escaped form, so that the buffer does not grow.
    let mut text = Zeroizing::new(String::with_capacity(rest.len()));
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let (decoded, after) = decode_escape(escaped)?;
        text.push(decoded);
        rest = after;
    }
    text.push_str(rest);
    Some(Unescaped::Decoded(text))
}

/// Decodes the escape whose backslash precedes `text`, and returns what follows it.
fn decode_escape(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let decoded = match chars.next()? {
        plain @ ('"' | '\\' | '/') => plain,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return decode_utf16(chars.as_str()),
        _ => return None,
    };
    Some((decoded, chars.as_str()))
}

fn decode_utf16(text: &str) -> Option<(char, &str)> {
    let unit = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
    let (first, after) = (unit(text)?, text.get(4..)?);
    if !(0xD800..=0xDBFF).contains(&first) {
        return Some((char::from_u32(first.into())?, after));
    }
    let second = after.strip_prefix("\\u")?;
    let pair = char::decode_utf16([first, unit(second)?]).next()?.ok()?;
    Some((pair, second.get(4..)?))
}

/// Deserializes a string that is a secret, from a text or a slice that the deserializer borrows
/// from. For `#[serde(deserialize_with = "vault_http::json::secret_string")]`.
///
/// # Errors
/// The value is not a string; the error does not quote it.
pub fn secret_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    secret_from_raw(<&RawValue>::deserialize(deserializer)?)
        .ok_or_else(|| D::Error::custom("expected a string"))
}

/// Like [`secret_string`], but `null` is `None`. For a field with `#[serde(default)]`.
///
/// # Errors
/// As [`secret_string`].
pub fn optional_secret_string<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(deserializer)? else { return Ok(None) };
    secret_from_raw(raw).map(Some).ok_or_else(|| D::Error::custom("expected a string"))
}

/// Returns the string that `raw` is, or `None` if it is something else.
pub fn secret_from_raw(raw: &RawValue) -> Option<SecretString> {
    Some((&*unescape(raw.get())?).into())
}

/// Serializes `value` into one allocation of the exact size.
///
/// # Errors
/// `value` has no JSON form.
pub fn to_vec(value: &impl Serialize) -> Result<ZeroizingBytes, serde_json::Error> {
    let mut size = ByteCount(0);
    serde_json::to_writer(&mut size, value)?;
    let mut buffer = ZeroizingBytes::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *buffer, value)?;
    Ok(buffer)
}

struct ByteCount(usize);

impl io::Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    fn check(body: &str, expected: bool) {
        let valid = validate(body.as_bytes()).is_some();
        assert_eq!(valid, expected, "{}", body.get(..60).unwrap_or(body));
    }

    #[test]
    fn document_with_two_meanings_is_refused() {
        check(r#"{"a":{"b":[1,-2,3.5,"x\u00e9",null,true]},"b":{"a":1}}"#, true);
        check(r#" { "a" : { "b" : [ ] } , "b" : "a" } "#, true);
        check(r#"{"a":"a","b":["b","a"]}"#, true);
        check(r#"{"a":1,"a":2}"#, false);
        check(r#"{"a":1,"a" :2}"#, false);
        check(r#"{"x":[{"a":1,"b":2,"a":3}]}"#, false);
        check(r#"{"a":1,"\u0061":2}"#, false);
        check(r#"{"a\\":1,"a\"":2,"a\\\"":{}}"#, true);
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
    fn string_with_half_a_surrogate_pair_is_refused() {
        check(r#"["\ud83d\ude00"]"#, true);
        for half in [r#"["\ud83d"]"#, r#"["\ude00"]"#, r#"["\ud83dx"]"#, r#"["\ud83d\u0041"]"#] {
            check(half, false);
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused() {
        check(&format!("{}{}", "[".repeat(120), "]".repeat(120)), true);
        check(&format!("{}{}", "[".repeat(130), "]".repeat(130)), false);
        check(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), false);
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        assert_eq!(validate(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn errors_are_recognized_at_the_top_level() {
        let check = |body: &str, expected| assert_eq!(validate(body.as_bytes()), Some(expected));
        check(r#"{"errors":["x"]}"#, JsonShape::Errors);
        check(r#"{"err\u006frs" : ["x"]}"#, JsonShape::Errors);
        check(r#"{"errors":[]}"#, JsonShape::Errors);
        check(r#"{"data":{"errors":["x"]},"errors":null}"#, JsonShape::Object);
        check(r#"[{"errors":["x"]}]"#, JsonShape::Other);
        check("null", JsonShape::Null);
    }

    #[test]
    fn secret_fields_accept_strings_only() {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(deserialize_with = "secret_string")]
            a: SecretString,
            #[serde(default, deserialize_with = "optional_secret_string")]
            b: Option<SecretString>,
        }
        let parse = |text: &str| serde_json::from_str::<Fields>(text);
        let fields = parse(r#"{"a":"x\n","b":null}"#).unwrap();
        assert_eq!((fields.a.expose_secret(), fields.b.is_none()), ("x\n", true));
        assert!(parse(r#"{"a":"x","b":"y"}"#).unwrap().b.is_some());
        for wrong in [r#"{"a":7654321}"#, r#"{"a":"x","b":[7654321]}"#, "{}"] {
            let error = parse(wrong).err().unwrap().to_string();
            assert!(!error.contains("7654321"), "{error}");
        }
    }

    #[test]
    fn serialized_value_fills_its_buffer_exactly() {
        let value = serde_json::json!({"key": "clé \" \n \u{1}"});
        let body = to_vec(&value).unwrap();
        assert_eq!(*body, serde_json::to_vec(&value).unwrap());
        assert_eq!(body.len(), body.capacity());
    }

    proptest! {
        #[test]
        fn unescape_agrees_with_serde_json(text in ".{0,40}") {
            let raw = serde_json::to_string(&text).unwrap();
            let decoded = unescape(&raw);
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn unescape_accepts_what_serde_json_accepts(
            inner in r#"(a|é|\\(["\\/bfnrtxu]|u[0-9a-fA-FdD]{4}|ud[89ab]00\\ud[c-f]00)){0,6}"#,
        ) {
            let raw = format!("\"{inner}\"");
            let expected = serde_json::from_str::<String>(&raw).ok();
            let decoded = unescape(&raw);
            prop_assert_eq!(decoded.as_deref(), expected.as_deref());
        }
    }
}
