//! Quotes a value for a `.env` file.

use km_proxy_adapter::ErrorKind;

use super::REFERENCE;
use crate::error::Failure;
use crate::io::secret_text::SecretText;

/// Appends a line that sets a variable.
///
/// A value is single-quoted, which every reader takes literally. One with a single quote, a backslash
/// or a carriage return needs escapes: in double quotes if nothing in it is expanded there by other
/// readers, else in single quotes.
///
/// # Errors
///
/// `StoredValue` for a value that python-dotenv would change.
pub(crate) fn push(text: &mut SecretText, name: &str, value: &str) -> Result<(), Failure> {
    if let Some(why) = refused(value) {
        let what = format!("export {name}: the value {why}, which a .env file cannot hold");
        let hint = "export it with --format json or --format shell";
        return Err(Failure::new(ErrorKind::StoredValue, what, hint));
    }
    text.extend([name, "="]);
    // In single quotes, a carriage return cannot be escaped and is read as a line feed.
    let needs_double = value.contains('\r');
    if needs_double || (value.contains(['\'', '\\']) && !value.contains(['$', '`'])) {
        text.push("\"");
        text.push_replaced(value, &[('\\', r"\\"), ('"', r#"\""#), ('\r', r"\r")]);
        text.push("\"\n");
    } else {
        text.push("'");
        text.push_replaced(value, &[('\\', r"\\"), ('\'', r"\'")]);
        text.push("'\n");
    }
    Ok(())
}

/// Returns why python-dotenv would change a value.
fn refused(value: &str) -> Option<&'static str> {
    if value.contains(REFERENCE) {
        return Some("contains `${`");
    }
    // It reads a backslash before the closing quote as an escape of the quote.
    value.ends_with('\\').then_some("ends with a backslash")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<&str>) {
        let mut text = SecretText::default();
        let pushed = push(&mut text, "A", value);
        assert_eq!(
            pushed.err().map(|failure| failure.kind()),
            match expected {
                Some(_) => None,
                None => Some(ErrorKind::StoredValue),
            }
        );
        let text = std::str::from_utf8(text.as_bytes()).unwrap();
        assert_eq!(text, expected.unwrap_or_default(), "{value:?}");
    }

    #[test]
    fn value_is_quoted_in_the_form_that_most_readers_agree_on() {
        check("", Some("A=''\n"));
        check("sk-1", Some("A='sk-1'\n"));
        check(" a # \"b\" $HOME `c`", Some("A=' a # \"b\" $HOME `c`'\n"));
        check("one\ntwo\n", Some("A='one\ntwo\n'\n"));
        check("O'Brien", Some("A=\"O'Brien\"\n"));
        check("a\\b\"c", Some("A=\"a\\\\b\\\"c\"\n"));
        check("it's $5", Some("A='it\\'s $5'\n"));
        check("a\r\nb", Some("A=\"a\\r\nb\"\n"));
    }

    #[test]
    fn value_that_a_reader_would_change_is_refused() {
        check("a${HOME}b", None);
        check("C:\\dir\\", None);
    }
}
