//! Decoding of JSON strings into memory that is zeroized.

use zeroize::Zeroizing;

/// Returns the length of the JSON string at the start of `text`, in bytes, quotes included, and
/// whether it contains an escape.
pub(super) fn string_len(text: &str) -> Option<(usize, bool)> {
    let (mut at, mut has_escape) = (1, false);
    loop {
        let rest = text.as_bytes().get(at..)?;
        at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if text.as_bytes().get(at) == Some(&b'"') {
            return Some((at + 1, has_escape));
        }
        has_escape = true;
        at += 2;
    }
}

/// Returns the text between the quotes of a JSON string, or `None` if `raw` is not a string.
pub(super) fn without_quotes(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

/// A decoded JSON string.
pub(super) enum Unescaped<'a> {
    /// The string contains no escapes and is borrowed.
    Plain(&'a str),
    /// The string contained escapes.
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

/// Decodes a JSON string, quotes included. Returns `None` if `raw` is not a string, or if an escape
/// is not a character, such as an unpaired surrogate.
pub(super) fn unescape(raw: &str) -> Option<Unescaped<'_>> {
    let mut rest = without_quotes(raw)?;
    if !rest.contains('\\') {
        return Some(Unescaped::Plain(rest));
    }
    // A decoded string is never longer than its escaped form, so the buffer is never reallocated.
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

/// Decodes the escape whose backslash precedes `text`. Returns the character and the rest of
/// `text`.
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

/// Decodes the hexadecimal digits of a `\u` escape and, if they are a high surrogate, the second
/// escape of the pair.
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
