//! Headers that a caller adds to a request.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The maximum size of the headers that a caller adds to a request, in bytes. It leaves room for
/// those of the client within the 1 MiB that Vault accepts, and within the 16 KiB and more of
/// gateways.
pub const MAX_REQUEST_HEADER_BYTES: usize = 8 * 1024;

const WRAP_TTL: HeaderName = HeaderName::from_static("x-vault-wrap-ttl");

/// The headers that the client, the connection or a method of
/// [`Request`](crate::Request) sets. Vault takes a token from `Authorization` too.
const RESERVED: [&str; 19] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-vault-namespace",
    "x-vault-request",
    "x-vault-token",
    "x-vault-wrap-ttl",
];

/// The reasons why a header cannot be added to a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is empty or has a character that HTTP does not allow in names.
    #[error("the name of the header is invalid")]
    Name,
    /// The value has a character that HTTP does not allow in values, such as a line break.
    #[error("the value of the header `{0}` has an invalid character")]
    Value(HeaderName),
    /// The client sets the header itself, or a method of [`Request`](crate::Request) does.
    #[error("the header `{0}` is reserved for the client")]
    Reserved(HeaderName),
    /// The added headers exceed [`MAX_REQUEST_HEADER_BYTES`].
    #[error("the headers of the request exceed {MAX_REQUEST_HEADER_BYTES} bytes with `{0}`")]
    TooLarge(HeaderName),
}

/// The headers of a request; none of them takes no memory.
#[derive(Clone, Default)]
pub(crate) struct Headers(Option<Box<HeaderMap>>);

impl Headers {
    /// Adds a header after validation.
    pub(super) fn append(
        &mut self,
        name: impl TryInto<HeaderName>,
        value: impl TryInto<HeaderValue>,
    ) -> Result<(), HeaderError> {
        let name = name.try_into().map_err(|_| HeaderError::Name)?;
        if RESERVED.contains(&name.as_str()) {
            return Err(HeaderError::Reserved(name));
        }
        let Ok(mut value) = value.try_into() else { return Err(HeaderError::Value(name)) };
        if self.size() + name.as_str().len() + value.len() > MAX_REQUEST_HEADER_BYTES {
            return Err(HeaderError::TooLarge(name));
        }
        // The value may be a secret. It is sent as it is, and not shown by `Debug`.
        value.set_sensitive(true);
        self.map().append(name, value);
        Ok(())
    }

    /// Sets the TTL of the response-wrapping token, in whole seconds.
    pub(super) fn set_wrap_ttl(&mut self, ttl: Duration) {
        // Vault takes 0 as a request without wrapping.
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        self.map().insert(WRAP_TTL, HeaderValue::from(seconds.max(1)));
    }

    /// Adds the headers to those of an HTTP request.
    pub(crate) fn extend(&self, headers: &mut HeaderMap) {
        for (name, value) in self.0.iter().flat_map(|map| map.iter()) {
            headers.append(name, value.clone());
        }
    }

    fn map(&mut self) -> &mut HeaderMap {
        self.0.get_or_insert_default()
    }

    fn size(&self) -> usize {
        let headers = self.0.iter().flat_map(|map| map.iter());
        headers.map(|(name, value)| name.as_str().len() + value.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str, expected: Result<(), &str>) {
        let actual = Headers::default().append(name, value).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned), "{name}");
    }

    #[test]
    fn reserved_and_malformed_headers_are_rejected_without_their_value() {
        check("X-Vault-Index", "abc", Ok(()));
        check("x-vault-policy-override", "true", Ok(()));
        check(
            "X-Vault-Token",
            "hvs.x",
            Err("the header `x-vault-token` is reserved for the client"),
        );
        for reserved in
            ["Host", "CONTENT-LENGTH", "Connection", "X-Vault-Namespace", "authorization"]
        {
            let name = reserved.to_ascii_lowercase();
            check(reserved, "x", Err(&format!("the header `{name}` is reserved for the client")));
        }
        for name in ["", "a b", "a:b", "a\r\nb", "é"] {
            check(name, "planted", Err("the name of the header is invalid"));
        }
        for value in ["planted\r\nHost: evil", "planted\n", "planted\0"] {
            check("x-a", value, Err("the value of the header `x-a` has an invalid character"));
        }
    }

    #[test]
    fn headers_are_bounded_together() {
        let mut headers = Headers::default();
        let half = "x".repeat(MAX_REQUEST_HEADER_BYTES / 2 - 3);
        headers.append("x-a", half.as_str()).unwrap();
        headers.append("x-b", half.as_str()).unwrap();
        assert!(matches!(headers.append("x", ""), Err(HeaderError::TooLarge(_))));
    }

    #[test]
    fn wrap_ttl_is_rounded_up_to_at_least_a_second() {
        for (ttl, expected) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (90_000, "90")] {
            let (mut headers, mut sent) = (Headers::default(), HeaderMap::new());
            headers.set_wrap_ttl(Duration::from_millis(ttl));
            headers.extend(&mut sent);
            assert_eq!(sent["x-vault-wrap-ttl"], expected, "{ttl}");
        }
    }

    #[test]
    fn value_of_a_header_is_not_shown() {
        let (mut headers, mut sent) = (Headers::default(), HeaderMap::new());
        headers.append("x-a", "planted").unwrap();
        headers.extend(&mut sent);
        let shown = format!("{sent:?}");
        assert!(shown.contains("x-a") && !shown.contains("planted"), "{shown}");
    }
}
