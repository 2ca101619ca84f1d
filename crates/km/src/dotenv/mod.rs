//! Files of environment variables (`.env`), in the dialect of
//! [python-dotenv](https://github.com/theskumar/python-dotenv), which LiteLLM reads.
//!
//! Other readers differ from it, so that a value which they would read differently is quoted in the
//! form that most of them agree on. python-dotenv expands `${NAME}` even within single quotes and has
//! no escape for it. Such a value is refused in both directions, because it would be changed.

mod parse;
mod quote;

pub(crate) use parse::{Entry, Problem, parse};
pub(crate) use quote::push;

/// The text that begins a reference to another variable.
const REFERENCE: &str = "${";

/// Returns whether a shell can have a variable of this name.
pub(crate) fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::io::secret_text::SecretText;

    fn quoted(values: &[String]) -> Option<String> {
        let mut text = SecretText::default();
        for (at, value) in values.iter().enumerate() {
            push(&mut text, &format!("N{at}"), value).ok()?;
        }
        Some(String::from_utf8(text.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn variable_names_are_distinguished_from_others() {
        for (name, expected) in [
            ("OPENAI_API_KEY", true),
            ("_a1", true),
            ("", false),
            ("1A", false),
            ("A-B", false),
            ("A.B", false),
            ("folder/A", false),
            ("A B", false),
            ("É", false),
            ("A;B", false),
        ] {
            assert_eq!(is_variable(name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_exported_values_are_parsed_back_unchanged(
            values in proptest::collection::vec("([^\0]|['\"\\\\$`#= \n\r])*", 0..4),
        ) {
            if let Some(text) = quoted(&values) {
                let parsed = parse(&text);
                prop_assert_eq!(parsed.problems, []);
                let parsed: Vec<_> = parsed.entries.iter().map(|entry| entry.value.to_string()).collect();
                prop_assert_eq!(parsed, values);
            }
        }
    }
}
