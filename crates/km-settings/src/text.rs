//! Rules for text that several settings share: how it is cleaned, and how a message shows it.

/// How much of a value a message shows.
const SHOWN: usize = 64;

/// LiteLLM's cleaning of a namespace, a mount or a prefix: white space off both ends, then `/`
/// off both ends; nothing left is `None`.
pub(crate) fn sanitise(text: &str) -> Option<String> {
    let cleaned = text.trim().trim_matches('/');
    (!cleaned.is_empty()).then(|| cleaned.to_owned())
}

/// A value in a message: one line, and no longer than a person reads.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::from("`");
    shown.extend(text.chars().take(SHOWN).flat_map(char::escape_debug));
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

/// Text from elsewhere on one line of ours: control characters become spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if breaks_line(c) { ' ' } else { c }).collect()
}

fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether `text` holds a character that no name, role or credential has.
pub(crate) fn has_control(text: &str) -> bool {
    text.chars().any(breaks_line)
}

/// The words for a boolean that LiteLLM takes, in any case. `None` for another word.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The one of `known` that `text` looks like a slip of.
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // 0.85 keeps a swapped, dropped or doubled letter, and drops words that only begin alike.
    known
        .map(|word| (strsim::jaro_winkler(text, word), word))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitise_trims_white_space_then_slashes() {
        for (input, expected) in [
            ("", None),
            ("  ", None),
            ("/", None),
            (" // ", None),
            ("admin", Some("admin")),
            (" /admin/team/ ", Some("admin/team")),
            ("/ a /", Some(" a ")),
        ] {
            assert_eq!(sanitise(input).as_deref(), expected, "{input:?}");
        }
    }

    #[test]
    fn shown_is_one_short_line() {
        assert_eq!(shown("a\nb\u{202e}"), "`a\\nb\\u{202e}`");
        assert_eq!(shown(&"x".repeat(65)), format!("`{}…`", "x".repeat(64)));
        assert_eq!(shown(&"x".repeat(64)), format!("`{}`", "x".repeat(64)));
    }

    #[test]
    fn truth_takes_the_words_of_pydantic() {
        for word in ["true", "T", "Yes", "y", "ON", "1", " true "] {
            assert_eq!(truth(word), Some(true), "{word}");
        }
        for word in ["false", "F", "No", "n", "OFF", "0"] {
            assert_eq!(truth(word), Some(false), "{word}");
        }
        for word in ["", "2", "ja", "truе"] {
            assert_eq!(truth(word), None, "{word}");
        }
    }

    #[test]
    fn nearest_finds_a_slip_and_no_stranger() {
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
