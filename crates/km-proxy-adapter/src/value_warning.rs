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
    /// There is no value: its length is zero.
    Empty,
    /// The value ends with a line ending, as a text file does.
    TrailingNewline,
    /// The value begins or ends with other white space.
    SurroundingSpace,
    /// The value is enclosed in quotation marks.
    Quotes,
    /// The value begins with a byte order mark.
    ByteOrderMark,
    /// The value contains other characters that are not ASCII, which no HTTP header may contain.
    NonAscii,
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
            (Self::Empty, value.is_empty()),
            (Self::TrailingNewline, without_newline.len() < without_mark.len()),
            (Self::SurroundingSpace, bare.len() < without_newline.len()),
            (Self::Quotes, is_quoted),
            (Self::ByteOrderMark, without_mark.len() < value.len()),
            (Self::NonAscii, !without_mark.is_ascii()),
            (Self::Reference, bare.starts_with(REFERENCE_PREFIX)),
        ]
        .into_iter()
        .filter_map(|(warning, applies)| applies.then_some(warning))
    }

    /// Returns the kind of the warning, as one word for programs.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TrailingNewline => "trailing_newline",
            Self::SurroundingSpace => "surrounding_space",
            Self::Quotes => "quotes",
            Self::ByteOrderMark => "byte_order_mark",
            Self::NonAscii => "non_ascii",
            Self::Reference => "reference",
        }
    }
}

impl fmt::Display for ValueWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::TrailingNewline => "ends with a newline",
            Self::SurroundingSpace => "begins or ends with white space",
            Self::Quotes => "is enclosed in quotes",
            Self::ByteOrderMark => "begins with a byte order mark (BOM)",
            Self::NonAscii => "contains non-ASCII characters",
            Self::Reference => "begins with `os.environ/`: it is a reference, not a key",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ValueWarning::{
        ByteOrderMark, Empty, NonAscii, Quotes, Reference, SurroundingSpace, TrailingNewline,
    };
    use super::*;

    #[test]
    fn value_has_the_warnings_of_its_form() {
        let check = |value: &str, expected: &[ValueWarning]| {
            assert_eq!(ValueWarning::detect(value).collect::<Vec<_>>(), expected, "{value:?}");
        };
        check("", &[Empty]);
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
        check("sk-12\u{200b}3", &[NonAscii]);
        check("\u{2018}sk-123\u{2019}", &[NonAscii]);
        check("\u{a0}sk-123", &[SurroundingSpace, NonAscii]);
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
