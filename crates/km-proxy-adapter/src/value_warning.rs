//! Detection of values that were probably stored by mistake. Pure; values are never changed.

use std::fmt;

use crate::name::REFERENCE_PREFIX;

/// A property of a stored value with which a provider rejects the key, although the value can be
/// read and passed on.
///
/// `Display` completes the sentence "the value …" and never includes the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueWarning {
    /// The value ends with a line ending, as a text file does.
    TrailingNewline,
    /// The value begins or ends with other white space.
    SurroundingSpace,
    /// The value is enclosed in quotation marks.
    Quotes,
    /// The value begins with a byte order mark.
    ByteOrderMark,
    /// The value is a reference to a name.
    Reference,
}

impl ValueWarning {
    /// Returns all warnings that apply to a value.
    ///
    /// ```
    /// use km_proxy_adapter::ValueWarning;
    ///
    /// assert!(ValueWarning::detect("sk-123").next().is_none());
    /// let warnings: Vec<_> = ValueWarning::detect("\"sk-123\"\n").collect();
    /// assert_eq!(warnings, [ValueWarning::TrailingNewline, ValueWarning::Quotes]);
    /// ```
    pub fn detect(value: &str) -> impl Iterator<Item = Self> + use<> {
        let without_mark = value.strip_prefix('\u{feff}').unwrap_or(value);
        let without_newline = without_mark.trim_end_matches(['\n', '\r']);
        let bare = without_newline.trim();
        let is_quoted = ['"', '\'', '`']
            .into_iter()
            .any(|quote| bare.strip_prefix(quote).is_some_and(|rest| rest.ends_with(quote)));
        [
            (Self::TrailingNewline, without_newline.len() < without_mark.len()),
            (Self::SurroundingSpace, bare.len() < without_newline.len()),
            (Self::Quotes, is_quoted),
            (Self::ByteOrderMark, without_mark.len() < value.len()),
            (Self::Reference, bare.starts_with(REFERENCE_PREFIX)),
        ]
        .into_iter()
        .filter_map(|(warning, applies)| applies.then_some(warning))
    }
}

impl fmt::Display for ValueWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrailingNewline => "ends with a line ending",
            Self::SurroundingSpace => "begins or ends with white space",
            Self::Quotes => "is enclosed in quotation marks",
            Self::ByteOrderMark => "begins with a byte order mark",
            Self::Reference => "begins with `os.environ/`: it is a reference, not a key",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ValueWarning::{
        ByteOrderMark, Quotes, Reference, SurroundingSpace, TrailingNewline,
    };
    use super::*;

    #[test]
    fn value_has_the_warnings_of_its_form() {
        let check = |value: &str, expected: &[ValueWarning]| {
            assert_eq!(ValueWarning::detect(value).collect::<Vec<_>>(), expected, "{value:?}");
        };
        check("", &[]);
        check("sk-123", &[]);
        check("two words", &[]);
        check("it's", &[]);
        check("\"", &[]);
        check("{\"a\": \"b\"}", &[]);
        check("sk-123\n", &[TrailingNewline]);
        check("sk-123\r\n", &[TrailingNewline]);
        check("a\nb", &[]);
        check(" sk-123", &[SurroundingSpace]);
        check("sk-123\t", &[SurroundingSpace]);
        check("sk-123 \n", &[TrailingNewline, SurroundingSpace]);
        check("\"sk-123\"", &[Quotes]);
        check("'sk-123'", &[Quotes]);
        check("\u{feff}sk-123", &[ByteOrderMark]);
        check("os.environ/NAME", &[Reference]);
        check(
            "\u{feff}\"os.environ/NAME\" \n",
            &[TrailingNewline, SurroundingSpace, Quotes, ByteOrderMark],
        );
    }

    #[test]
    fn message_never_shows_the_value() {
        for warning in ValueWarning::detect("\u{feff} 'os.environ/PLANTED' \n") {
            assert!(!warning.to_string().contains("PLANTED"));
        }
    }
}
