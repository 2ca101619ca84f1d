//! Commands for a POSIX shell, whose values no shell expands or executes.

use crate::io::secret_text::SecretText;

/// Variables whose values an interactive shell expands or executes. `eval "$(km export …)"` is run in
/// such a shell.
const EXECUTED: [&str; 6] = ["PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS3", "PS4"];

/// Returns whether an interactive shell executes the value of this variable.
pub(super) fn is_executed(name: &str) -> bool {
    EXECUTED.contains(&name)
}

/// Appends a command that exports a variable.
///
/// Within single quotes, a shell interprets nothing. A single quote ends them, is quoted by a
/// backslash, and begins them again, see "Quoting" in
/// [POSIX](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02).
pub(super) fn push(text: &mut SecretText, name: &str, value: &str) {
    text.extend(["export ", name, "='"]);
    text.push_replaced(value, &[('\'', r"'\''")]);
    text.push("'\n");
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// Returns the bytes that a shell has in a variable after `eval` of the command.
    fn through_shell(value: &str) -> Vec<u8> {
        let mut text = SecretText::default();
        push(&mut text, "NAME", value);
        let commands = String::from_utf8(text.as_bytes().to_vec()).unwrap();
        let script = r#"eval "$1"; printf '%s' "$NAME""#;
        let output = Command::new("sh").args(["-c", script, "sh", &commands]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        output.stdout
    }

    #[test]
    fn hostile_value_is_neither_expanded_nor_executed() {
        for value in ["", "'", "''", "'; exit 1; '", "$(exit 1)", "`exit 1`", "\\", "\\'", "a\nb\n"]
        {
            assert_eq!(through_shell(value), value.as_bytes(), "{value:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_value_passes_a_shell_unchanged(value in "([^\0]|['\"\\\\$`\n!#])*") {
            prop_assert_eq!(through_shell(&value), value.as_bytes());
        }
    }
}
