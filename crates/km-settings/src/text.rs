//! Text helpers: normalization of values, and quoting in messages.

/// The number of characters of a value that a message quotes.
const MAX_QUOTED: usize = 64;

/// Normalizes a namespace, mount or prefix as LiteLLM does: trims white space, then `/`, on both
/// ends. Returns `None` if nothing remains.
pub(crate) fn sanitize(text: &str) -> Option<String> {
    let trimmed = text.trim().trim_matches('/');
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// Quotes a value for a message: on one line and abbreviated.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("`");
    quoted.extend(text.chars().take(MAX_QUOTED).flat_map(char::escape_debug));
    if text.chars().nth(MAX_QUOTED).is_some() {
        quoted.push('…');
    }
    quoted.push('`');
    quoted
}

/// Replaces control characters with spaces, so that foreign text stays on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { ' ' } else { c }).collect()
}

fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns whether `text` contains a control character, which no name, role or credential does.
pub(crate) fn has_control(text: &str) -> bool {
    text.chars().any(is_control)
}

/// Parses LiteLLM's words for booleans, in any case.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Returns whether `name` may be quoted as the name of a variable. Other text may be a secret.
pub(crate) fn is_variable_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns the word of `known` that `text` is probably a misspelling of.
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // 0.85 accepts a swapped, missing or doubled letter, and rejects words with a common beginning.
    known
        .map(|word| (strsim::jaro_winkler(text, word), word))
        .filter(|(similarity, _)| *similarity > 0.85)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitize_trims_white_space_then_slashes() {
        for (input, expected) in [
            ("", None),
            ("  ", None),
            ("/", None),
            (" // ", None),
            ("admin", Some("admin")),
            (" /admin/team/ ", Some("admin/team")),
            ("/ a /", Some(" a ")),
        ] {
            assert_eq!(sanitize(input).as_deref(), expected, "{input:?}");
        }
    }

    #[test]
    fn quoted_value_is_escaped_and_abbreviated() {
        assert_eq!(quoted("a\nb\u{202e}"), "`a\\nb\\u{202e}`");
        assert_eq!(quoted(&"x".repeat(65)), format!("`{}…`", "x".repeat(64)));
        assert_eq!(quoted(&"x".repeat(64)), format!("`{}`", "x".repeat(64)));
    }

    #[test]
    fn parse_bool_accepts_the_words_of_pydantic() {
        for word in ["true", "T", "Yes", "y", "ON", "1", " true "] {
            assert_eq!(parse_bool(word), Some(true), "{word}");
        }
        for word in ["false", "F", "No", "n", "OFF", "0"] {
            assert_eq!(parse_bool(word), Some(false), "{word}");
        }
        for word in ["", "2", "ja", "truе"] {
            assert_eq!(parse_bool(word), None, "{word}");
        }
    }

    #[test]
    fn nearest_finds_a_misspelling_only() {
        let known = ["access_mode", "hosted_keys", "description"];
        for (input, expected) in [
            ("acces_mode", Some("access_mode")),
            ("hosted_key", Some("hosted_keys")),
            ("replicas", None),
        ] {
            assert_eq!(nearest(input, known.into_iter()), expected, "{input}");
        }
    }
}
