//! The `traceparent` header of W3C Trace Context.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderValue;

/// The position of a request in a distributed trace, as the [`traceparent`] header carries it.
///
/// It is sent only by a client whose [`ClientBuilder::traceparent`] supplies it.
///
/// ```
/// use vault_http::Traceparent;
///
/// let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// assert_eq!(text.parse::<Traceparent>().unwrap().to_string(), text);
/// assert!("00-0af7-b7ad-01".parse::<Traceparent>().is_err());
/// ```
///
/// [`traceparent`]: https://www.w3.org/TR/trace-context/#traceparent-header
/// [`ClientBuilder::traceparent`]: crate::ClientBuilder::traceparent
#[derive(Clone, PartialEq, Eq)]
pub struct Traceparent(HeaderValue);

impl Traceparent {
    /// Creates the header of a trace and the span that is the parent of the request.
    ///
    /// # Errors
    /// [`TraceparentError`] if either ID is zero, which is how OpenTelemetry represents an invalid
    /// context.
    pub fn new(
        trace_id: [u8; 16],
        parent_id: [u8; 8],
        flags: u8,
    ) -> Result<Self, TraceparentError> {
        let (trace_id, parent_id) = (u128::from_be_bytes(trace_id), u64::from_be_bytes(parent_id));
        format!("00-{trace_id:032x}-{parent_id:016x}-{flags:02x}").parse()
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Parses the text of a header.
impl FromStr for Traceparent {
    type Err = TraceparentError;

    fn from_str(text: &str) -> Result<Self, TraceparentError> {
        if !is_valid(text) {
            return Err(TraceparentError(()));
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| TraceparentError(()))
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traceparent({self})")
    }
}

/// The error for a text that is not a `traceparent` of version 00, or whose IDs are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent: expected 00-TRACE_ID-PARENT_ID-FLAGS in lower-case hexadecimal digits")]
pub struct TraceparentError(());

/// Supplies the header of each request.
pub(crate) type TraceparentSource = Arc<dyn Fn() -> Option<Traceparent> + Send + Sync>;

fn is_valid(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut is_hex = |digits: usize, may_be_zero: bool| {
        parts.next().is_some_and(|part| {
            part.len() == digits
                && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
                && (may_be_zero || part.bytes().any(|byte| byte != b'0'))
        })
    };
    text.starts_with("00-")
        && is_hex(2, true)
        && is_hex(32, false)
        && is_hex(16, false)
        && is_hex(2, true)
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_00_with_ids_in_lower_case_is_valid() {
        let check = |text: &str, expected: bool| {
            assert_eq!(text.parse::<Traceparent>().is_ok(), expected, "{text}");
        };
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true);
        check("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", false);
        check("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", false);
        check("00-00000000000000000000000000000000-b7ad6b7169203331-00", false);
        check("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\nX: y", false);
        check("", false);
    }

    #[test]
    fn identifiers_are_formatted_with_leading_zeros() {
        let header = Traceparent::new([1; 16], [2; 8], 1).unwrap();
        let expected = "00-01010101010101010101010101010101-0202020202020202-01";
        assert_eq!(header.to_string(), expected);
        assert_eq!(Traceparent::new([0; 16], [2; 8], 1), Err(TraceparentError(())));
    }
}
