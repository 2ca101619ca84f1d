//! Validation and percent-encoding of request paths.
//!
//! Every request path is an [`ApiPath`], so that no request can leave the prefix that it was built
//! for. Vault itself resolves dot segments, even percent-encoded ones. A policy on `prefix/*` is
//! therefore only as strict as the validation of the client.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode,
};

/// The maximum length of the text of a path, in bytes before encoding.
pub const MAX_PATH_BYTES: usize = 512;

/// All characters but the
/// [unreserved](https://www.rfc-editor.org/rfc/rfc3986#section-2.3) ones of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes `text` as one segment of a path, or as one name or value of a query.
pub(crate) fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
}

/// One or more valid segments of a request path, percent-encoded, without a slash at either end.
///
/// The encoding is one to one: different texts are different paths. A `%` is encoded as well, so
/// that `a%20b` and `a b` are two names.
///
/// ```
/// use vault_http::ApiPath;
///
/// let mount: ApiPath = "teams/kv".parse()?;
/// let path = mount.join(&ApiPath::parse("OPENAI KEY")?);
/// assert_eq!(path.as_str(), "teams/kv/OPENAI%20KEY");
/// assert!(ApiPath::parse("kv/%2e%2e/sys").is_err());
/// # Ok::<(), vault_http::PathError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiPath(Cow<'static, str>);

impl ApiPath {
    /// Validates and encodes `text`, whose segments are separated by `/`.
    ///
    /// # Errors
    /// [`PathError`] names the first rule that `text` violates.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        validate(text)?;
        let mut encoded = String::with_capacity(text.len() + 8);
        for (index, segment) in text.split('/').enumerate() {
            if index > 0 {
                encoded.push('/');
            }
            encoded.extend(encode(segment));
        }
        Ok(Self(Cow::Owned(encoded)))
    }

    /// Creates a path from a literal, for use in a `const`.
    ///
    /// # Panics
    /// If `text` is not one or more segments of `a-z`, `0-9` and `-`, joined by `/`. In a `const`
    /// this is a compile error.
    pub const fn from_static(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let mut previous = b'/';
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            let plain = matches!(*byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            assert!(
                plain || (*byte == b'/' && previous != b'/'),
                "a static path consists of a-z, 0-9, - and single slashes"
            );
            previous = *byte;
            rest = tail;
        }
        assert!(previous != b'/', "a path must not be empty or end with a slash");
        Self(Cow::Borrowed(text))
    }

    /// Returns the path `self/tail`.
    #[must_use]
    pub fn join(&self, tail: &Self) -> Self {
        let mut joined = String::with_capacity(self.0.len() + 1 + tail.0.len());
        joined.push_str(&self.0);
        joined.push('/');
        joined.push_str(&tail.0);
        Self(Cow::Owned(joined))
    }

    /// Returns the percent-encoded path, as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text that was [parsed](Self::parse).
    pub fn decoded(&self) -> Cow<'_, str> {
        // `parse` encoded UTF-8, so no byte is ever replaced.
        percent_decode_str(&self.0).decode_utf8_lossy()
    }
}

/// Displays the percent-encoded path, as it is sent.
impl fmt::Display for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Like [`ApiPath::parse`].
impl FromStr for ApiPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

/// Like [`ApiPath::parse`].
impl TryFrom<&str> for ApiPath {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl fmt::Debug for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The reasons why a text is not a valid request path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// The text is empty.
    Empty,
    /// The text is longer than [`MAX_PATH_BYTES`]; holds its length.
    TooLong(usize),
    /// A segment is empty: the text begins or ends with a slash, or has two in a row.
    EmptySegment,
    /// A segment is `.` or `..`, or is once it has been percent-decoded.
    DotSegment,
    /// The text contains a character of the Unicode categories Cc, Cf, Zl or Zp, such as a control
    /// character or a zero-width space.
    Invisible(char),
}

impl PathError {
    /// Returns the reason without its subject, such as `is empty`, for messages that name the path
    /// themselves.
    pub fn reason(&self) -> String {
        match self {
            Self::Empty => "is empty".to_owned(),
            Self::TooLong(len) => format!("is {len} bytes long; the maximum is {MAX_PATH_BYTES}"),
            Self::EmptySegment => {
                "has an empty segment (a slash at either end, or two in a row)".to_owned()
            }
            Self::DotSegment => "has a `.` or `..` segment, plain or percent-encoded".to_owned(),
            Self::Invisible(character) => {
                format!("contains the invisible character U+{:04X}", u32::from(*character))
            }
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the path {}", self.reason())
    }
}

impl std::error::Error for PathError {}

fn validate(text: &str) -> Result<(), PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    if text.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong(text.len()));
    }
    if let Some(invisible) = text.chars().find(|c| is_invisible(*c)) {
        return Err(PathError::Invisible(invisible));
    }
    if text.split('/').any(str::is_empty) {
        return Err(PathError::EmptySegment);
    }
    if text.split('/').any(has_dot_segment) {
        return Err(PathError::DotSegment);
    }
    Ok(())
}

fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        // Equivalent for ASCII, without a search in the Unicode tables.
        return c.is_ascii_control();
    }
    matches!(
        general_category(c),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

fn general_category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Returns whether a segment is a dot segment, or contains one once it has been percent-decoded.
///
/// Bytes are compared because the decoded segment need not be UTF-8. A backslash counts as a slash
/// because some proxies treat it as one.
fn has_dot_segment(segment: &str) -> bool {
    if !segment.contains(['.', '%']) {
        return false;
    }
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| matches!(part, b"." | b".."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn invisible_ascii_agrees_with_the_unicode_tables() {
        for c in (0..=127_u8).map(char::from) {
            let category = general_category(c);
            assert_eq!(is_invisible(c), category == GeneralCategory::Control, "{c:?}");
            assert!(!matches!(
                category,
                GeneralCategory::Format
                    | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator
            ));
        }
    }

    fn check(input: &str, expected: Result<&str, PathError>) {
        let actual = ApiPath::parse(input);
        assert_eq!(actual.as_ref().map(ApiPath::as_str), expected.as_ref().copied(), "{input:?}");
    }

    #[test]
    fn names_are_encoded_one_to_one() {
        check("OPENAI_API_KEY", Ok("OPENAI_API_KEY"));
        check("litellm/my-alias.v1~x", Ok("litellm/my-alias.v1~x"));
        check("a b?c#d", Ok("a%20b%3Fc%23d"));
        check("a\\b", Ok("a%5Cb"));
        check("%252e%252e", Ok("%25252e%25252e"));
        check("%2f", Ok("%252f"));
        check("clé", Ok("cl%C3%A9"));
        check("...", Ok("..."));
        check("..a", Ok("..a"));
    }

    #[test]
    fn hostile_names_are_rejected() {
        check("", Err(PathError::Empty));
        for dots in ["..", ".", "a/../b", "%2e%2e", "a/%2E./b", "x/.%2e", "..%2fsys", "a%2f..%5cb"]
        {
            check(dots, Err(PathError::DotSegment));
        }
        for slashes in ["/", "/a", "a/", "a//b"] {
            check(slashes, Err(PathError::EmptySegment));
        }
        for bad in ['\0', '\n', '\u{7f}', '\u{85}', '\u{200b}', '\u{202e}', '\u{2028}', '\u{feff}']
        {
            check(&format!("a{bad}b"), Err(PathError::Invisible(bad)));
        }
        check(&"a".repeat(600), Err(PathError::TooLong(600)));
    }

    #[test]
    fn conversions_validate_and_errors_name_the_path() {
        assert_eq!("a b".parse::<ApiPath>().unwrap().to_string(), "a%20b");
        assert_eq!(ApiPath::try_from("a b").unwrap().as_str(), "a%20b");
        assert_eq!("".parse::<ApiPath>().unwrap_err().to_string(), "the path is empty");
        assert_eq!(ApiPath::try_from("..").unwrap_err(), PathError::DotSegment);
        assert_eq!(PathError::Invisible('\n').reason(), "contains the invisible character U+000A");
    }

    #[test]
    fn static_path_is_usable_in_a_const() {
        const HEALTH: ApiPath = ApiPath::from_static("sys/health");
        assert_eq!(HEALTH.as_str(), "sys/health");
    }

    proptest! {
        #[test]
        fn encoding_loses_nothing(text in "\\PC{1,40}") {
            if let Ok(path) = ApiPath::parse(&text) {
                prop_assert_eq!(path.decoded(), text);
            }
        }

        #[test]
        fn different_texts_are_different_paths(
            a in "[a-b%2Ff./ ]{1,6}",
            b in "[a-b%2Ff./ ]{1,6}",
        ) {
            if let (Ok(left), Ok(right)) = (ApiPath::parse(&a), ApiPath::parse(&b)) {
                prop_assert_eq!(left == right, a == b);
            }
        }

        #[test]
        fn nothing_leaves_its_prefix(text in "[a-c.%2efEF/\\\\]{1,12}") {
            if let Ok(path) = ApiPath::parse(&text) {
                // A server or a proxy that decodes the path once or twice finds no dot segment.
                let sent = ApiPath::from_static("kv").join(&path);
                prop_assert!(sent.as_str().starts_with("kv/"));
                prop_assert!(sent.as_str().split('/').all(|s| !matches!(s, "" | "." | "..")));
                let once = percent_decode_str(sent.as_str()).decode_utf8_lossy().into_owned();
                prop_assert!(once.split('/').all(|s| !matches!(s, "" | "." | "..")));
                let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
                prop_assert!(twice.split(['/', '\\']).all(|s| !matches!(s, "." | "..")));
            }
        }
    }
}
