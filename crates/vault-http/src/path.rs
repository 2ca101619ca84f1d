//! The one validator and the one percent-encoder for everything that stands in a request path.
//!
//! Vault resolves dot segments, encoded ones too, and a policy that ends in `*` is only as tight as
//! the client's validator. So no request can be made from a text that did not pass here.

use std::borrow::Cow;
use std::fmt;

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode,
};

/// Longest text that [`ApiPath::parse`] takes, in bytes before encoding.
pub const MAX_PATH_BYTES: usize = 512;

/// RFC 3986 "unreserved": what needs no encoding. Everything else is encoded, one to one.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes `text` so that it is one segment of a path, or one part of a query.
pub(crate) fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
}

/// One or more valid segments of a request path, percent-encoded, with no slash at either end.
///
/// Equal texts give equal paths and different texts different ones: `%` itself is encoded, so the
/// name `a%20b` is not the name `a b`.
///
/// ```
/// use vault_http::ApiPath;
///
/// let mount = ApiPath::parse("teams/kv")?;
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
    /// The first rule of [`PathError`] that `text` breaks.
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

    /// A path known when the program is written, for use in a `const`.
    ///
    /// # Panics
    /// If `text` is anything but lower-case segments of `a-z`, `0-9` and `-`. In a `const` that is
    /// an error of the build.
    pub const fn from_static(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let mut previous = b'/';
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            let plain = matches!(*byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            assert!(plain || (*byte == b'/' && previous != b'/'), "not a plain path");
            previous = *byte;
            rest = tail;
        }
        assert!(previous != b'/', "a path is not empty and does not end in a slash");
        Self(Cow::Borrowed(text))
    }

    /// `self/tail`.
    #[must_use]
    pub fn join(&self, tail: &Self) -> Self {
        let mut joined = String::with_capacity(self.0.len() + 1 + tail.0.len());
        joined.push_str(&self.0);
        joined.push('/');
        joined.push_str(&tail.0);
        Self(Cow::Owned(joined))
    }

    /// The encoded form, as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text that [`parse`](Self::parse) was given.
    pub fn decoded(&self) -> Cow<'_, str> {
        // Only what `parse` encoded from UTF-8 can be in here, so nothing is ever replaced.
        percent_decode_str(&self.0).decode_utf8_lossy()
    }
}

impl fmt::Display for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text can't stand in a request path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// It is longer than [`MAX_PATH_BYTES`].
    #[error("is {0} bytes long; {MAX_PATH_BYTES} is the most")]
    TooLong(usize),
    /// Two slashes in a row, or a slash at an end.
    #[error("has an empty segment: a slash at an end, or two in a row")]
    EmptySegment,
    /// `.` or `..`, as it stands or once percent-decoded.
    #[error("has a `.` or `..` segment, plain or percent-encoded")]
    DotSegment,
    /// A control, format or line-separator character: the categories Cc, Cf, Zl and Zp.
    #[error("has the invisible character U+{:04X}", u32::from(*.0))]
    Invisible(char),
}

fn validate(text: &str) -> Result<(), PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    if text.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong(text.len()));
    }
    if let Some(bad) = text.chars().find(|c| is_invisible(*c)) {
        return Err(PathError::Invisible(bad));
    }
    if text.split('/').any(str::is_empty) {
        return Err(PathError::EmptySegment);
    }
    if text.split('/').any(is_dots) {
        return Err(PathError::DotSegment);
    }
    Ok(())
}

fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        // The same, without a search in the tables.
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

/// Whether a segment is, or decodes to something that has, a dot segment. Bytes are compared: what
/// decodes to no UTF-8 has no dots of its own. A backslash counts as a slash here, as some proxies
/// take it for one.
fn is_dots(segment: &str) -> bool {
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
    fn ascii_is_judged_as_the_tables_do() {
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
    fn hostile_names_are_refused() {
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
    fn static_paths_are_checked_when_built() {
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
        fn different_texts_are_different_paths(a in "[a-b%2Ff./ ]{1,6}", b in "[a-b%2Ff./ ]{1,6}") {
            if let (Ok(left), Ok(right)) = (ApiPath::parse(&a), ApiPath::parse(&b)) {
                prop_assert_eq!(left == right, a == b);
            }
        }

        #[test]
        fn nothing_leaves_its_prefix(text in "[a-c.%2efEF/\\\\]{1,12}") {
            if let Ok(path) = ApiPath::parse(&text) {
                // However often a server or a proxy decodes it, no dot segment comes out within
                // the depth that was validated, and the sent form is plain.
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
