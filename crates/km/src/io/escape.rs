//! Escaping of untrusted text for terminals and logs.
//!
//! Terminal escape sequences could change what is displayed, and line endings could forge log
//! lines. Everything that is printed, except for the value of a secret, is escaped exactly once, by
//! the code that writes it: [`output`](super::output), [`error`](crate::error) and
//! [`log`](super::log).

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// Escapes text so that it stays on one line and is displayed as it is.
///
/// Control characters (C0, C1 and DEL), format characters and line separators become `\u{1b}` and
/// the like.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    escape(text, |c, escaped| escaped.extend(c.escape_default()))
}

/// Escapes the same characters of a JSON document as `\u001b` and the like, which keeps its meaning
/// because they occur in strings only.
pub(crate) fn json(document: &str) -> Cow<'_, str> {
    escape(document, |c, escaped| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    })
}

fn escape(text: &str, push: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    // Each of them becomes at most 12 bytes, so that the text, which may hold a secret, is never
    // copied by a reallocation.
    let hidden = text.chars().filter(|c| is_hidden(*c)).count();
    let mut escaped = String::with_capacity(text.len() + 12 * hidden);
    for c in text.chars() {
        if is_hidden(c) { push(c, &mut escaped) } else { escaped.push(c) }
    }
    Cow::Owned(escaped)
}

fn is_hidden(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};

    // Almost all text is ASCII, which does not need the Unicode tables.
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    matches!(category, Control | Format | LineSeparator | ParagraphSeparator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_others_kept() {
        for (input, expected) in [
            ("plain text", "plain text"),
            ("clé 🔑 \\ \"quoted\"", "clé 🔑 \\ \"quoted\""),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("a\nb\r\tc\0", "a\\nb\\r\\tc\\u{0}"),
            ("\u{7f}\u{9b}31m\u{85}", "\\u{7f}\\u{9b}31m\\u{85}"),
            ("\u{202e}\u{200b}\u{feff}\u{ad}", "\\u{202e}\\u{200b}\\u{feff}\\u{ad}"),
            ("\u{2028}\u{2029}\u{e0041}", "\\u{2028}\\u{2029}\\u{e0041}"),
        ] {
            assert_eq!(text(input), expected, "{input:?}");
        }
    }

    #[test]
    fn escaped_json_keeps_its_meaning() {
        for input in ["plain", "\u{1b}\u{7f}\u{9b}\n", "\u{202e}\u{2028}", "\u{e0041}🔑", "\"\\"]
        {
            let document = serde_json::to_string(&[input]).unwrap();
            let escaped = json(&document);
            assert!(!escaped.contains(is_hidden), "{escaped}");
            let read: Vec<String> = serde_json::from_str(&escaped).unwrap();
            assert_eq!(read, [input]);
        }
    }
}
