//! Masks and environment variables of GitHub Actions.
//!
//! A [mask](https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands) is
//! a command on the step's stdout. A variable of later steps is a block in the file that
//! `GITHUB_ENV` names, so that both are never in one stream. The masks come first, because the
//! runner may log a variable. The runner's own
//! [code](https://github.com/actions/runner/blob/main/src/Runner.Worker/FileCommandManager.cs) is the
//! reference for the format of the file.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;

use km_proxy_adapter::ErrorKind;

use crate::commands::values::Values;
use crate::config;
use crate::error::Failure;
use crate::io::output;
use crate::io::secret_text::SecretText;

/// The variable that names the file for the variables of later steps.
const FILE: &str = "GITHUB_ENV";

/// The prefixes of variables that a step cannot set.
const RESERVED_PREFIXES: [&str; 2] = ["GITHUB_", "RUNNER_"];

/// A variable that the runner refuses to set.
const BLOCKED: &str = "NODE_OPTIONS";

/// The length of the random part of a delimiter, in bytes.
const DELIMITER_BYTES: usize = 16;

/// Returns whether a step cannot set this variable.
pub(super) fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name == BLOCKED || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Prints the masks, and then appends the variables to the file. Without one, prints both.
pub(super) fn export(values: &Values, file: Option<File>) -> Result<(), Failure> {
    let mut masks = SecretText::default();
    let mut variables = SecretText::default();
    for (name, value) in values {
        push_masks(&mut masks, value.expose());
        push_variable(&mut variables, name, value.expose(), &delimiter(value.expose())?);
    }
    output::secret_text(&masks)?;
    match file {
        Some(mut file) => file
            .write_all(variables.as_bytes())
            .map_err(|error| failed(ErrorKind::Unavailable, &error)),
        None => output::secret_text(&variables),
    }
}

/// Opens the file of `GITHUB_ENV` for appending. Outside GitHub Actions, there is none.
///
/// # Errors
///
/// `Usage` if it cannot be opened, or if it is stdout: a mask there would be an invalid line, which
/// the runner logs.
pub(super) fn open_file() -> Result<Option<File>, Failure> {
    let Some(path) = config::variable(FILE)? else {
        return Ok(None);
    };
    let opened = OpenOptions::new().append(true).open(path).and_then(|file| {
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let is_stdout = same_file(&file.metadata()?, &stdout.metadata()?);
        Ok((file, is_stdout))
    });
    let (file, is_stdout) = opened.map_err(|error| failed(ErrorKind::Usage, &error))?;
    if is_stdout {
        return Err(Failure::new(
            ErrorKind::Usage,
            "usage: stdout is the file of GITHUB_ENV",
            "do not redirect stdout: the runner reads the masks from it, and km appends to the file",
        ));
    }
    Ok(Some(file))
}

fn same_file(left: &Metadata, right: &Metadata) -> bool {
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

fn failed(kind: ErrorKind, error: &io::Error) -> Failure {
    let what = format!("write the file of GITHUB_ENV: {error}");
    Failure::new(kind, what, "run it in a step of GitHub Actions, or unset GITHUB_ENV")
}

/// Appends a command for each line of the value, because the runner compares masks with the lines of
/// its log. A blank line cannot be masked.
fn push_masks(text: &mut SecretText, value: &str) {
    for line in value.split(['\r', '\n']).filter(|line| !line.trim().is_empty()) {
        text.push("::add-mask::");
        text.push_replaced(line, &[('%', "%25")]);
        text.push("\n");
    }
}

/// Appends a block that sets a variable. It begins with a line ending, in case the last line of the
/// file has none; the runner ignores empty lines.
fn push_variable(text: &mut SecretText, name: &str, value: &str, delimiter: &str) {
    text.extend(["\n", name, "<<", delimiter, "\n", value, "\n", delimiter, "\n"]);
}

/// Returns a random delimiter that does not occur in the value, so that no value ends its block and
/// sets another variable.
fn delimiter(value: &str) -> Result<String, Failure> {
    loop {
        let mut random = [0; DELIMITER_BYTES];
        getrandom::fill(&mut random).map_err(|error| {
            let what = format!("internal: cannot obtain random bytes: {error}");
            Failure::new(ErrorKind::Internal, what, "check the random source of the system")
        })?;
        let delimiter = format!("km_{:032x}", u128::from_be_bytes(random));
        if !value.contains(&delimiter) {
            return Ok(delimiter);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parses a file like the runner: lines end at `\n`, and a block ends at the first line that is
    /// its delimiter.
    fn parse(file: &str) -> Vec<(String, String)> {
        let (mut variables, mut lines) = (Vec::new(), file.split('\n'));
        while let Some(line) = lines.next() {
            let Some((name, delimiter)) = line.split_once("<<") else {
                assert_eq!(line, "", "an invalid line");
                continue;
            };
            let value: Vec<_> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            variables.push((name.to_owned(), value.join("\n")));
        }
        variables
    }

    fn masks(value: &str) -> String {
        let mut text = SecretText::default();
        push_masks(&mut text, value);
        String::from_utf8(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn every_line_of_a_value_is_masked() {
        for (value, expected) in [
            ("", ""),
            ("value", "::add-mask::value\n"),
            (" 100%25 ", "::add-mask:: 100%2525 \n"),
            ("one\ntwo\r\n \nthree\n", "::add-mask::one\n::add-mask::two\n::add-mask::three\n"),
            ("::add-mask::x", "::add-mask::::add-mask::x\n"),
        ] {
            assert_eq!(masks(value), expected, "{value:?}");
        }
    }

    #[test]
    fn variables_that_a_step_cannot_set_are_reserved() {
        for (name, expected) in [
            ("GITHUB_TOKEN", true),
            ("github_env", true),
            ("RUNNER_TEMP", true),
            ("Node_Options", true),
            ("MY_GITHUB_TOKEN", false),
            ("OPENAI_API_KEY", false),
        ] {
            assert_eq!(is_reserved(name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_values_are_read_back_by_the_runner(
            values in proptest::collection::vec("([^\0]|\n|\r|<<|=|km_)*", 0..4),
        ) {
            let mut text = SecretText::default();
            let named: Vec<_> =
                values.iter().enumerate().map(|(at, value)| (format!("N{at}"), value)).collect();
            for (name, value) in &named {
                push_variable(&mut text, name, value, &delimiter(value).unwrap());
            }
            let text = std::str::from_utf8(text.as_bytes()).unwrap();
            let expected: Vec<_> =
                named.into_iter().map(|(name, value)| (name, value.clone())).collect();
            prop_assert_eq!(parse(text), expected);
        }
    }
}
