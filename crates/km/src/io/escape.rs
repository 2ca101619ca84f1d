//! Text from Vault, from a user or from a file, made safe for a terminal and for a log.
//!
//! Escape sequences could change what a person sees, and line endings could forge lines. Everything
//! that is printed for people passes here once, where it is written: in [`output`](crate::output),
//! [`failure`](crate::failure) and [`log`](crate::log). A secret's value is printed as it is.

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// `text` on one line, with `\u{1b}` and the like for characters that are invisible or act on a
/// terminal: the control characters C0, C1 and DEL, format characters, and line separators.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    escape(text, |c, escaped| escaped.extend(c.escape_default()))
}

/// A JSON document with the same characters as `\u001b` and the like. They can only be in strings.
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
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) { push(c, &mut escaped) } else { escaped.push(c) }
    }
    Cow::Owned(escaped)
}

fn is_hidden(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};

    // Almost all text is ASCII, for which the tables of Unicode are not needed.
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
    fn json_keeps_its_meaning() {
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
