//! A request to Vault, without the token.

mod constructors;
mod headers;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use self::headers::Headers;
pub use self::headers::{HeaderError, MAX_REQUEST_HEADER_BYTES};
use crate::error::{Error, ErrorKind};
use crate::path::{self, ApiPath};
use crate::transport::TransportError;

/// The default of [`Request::first_byte_limit`], which leaves time for a second attempt within the
/// default deadline.
const FIRST_BYTE_LIMIT: Duration = Duration::from_secs(2);

/// The maximum size of a response body, in bytes, unless the request sets
/// [another](Request::max_body_bytes). The largest secret that Vault stores is 1 MiB.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The path of [`Request::health`].
pub(crate) const HEALTH: ApiPath = ApiPath::from_static("sys/health");

/// A request to the HTTP API of Vault.
///
/// The path is validated by its type, and the body is zeroized when the last clone is dropped.
///
/// Any method, path, query and JSON body can be sent, to any engine:
///
/// ```
/// use vault_http::{ApiPath, Request};
///
/// let path = ApiPath::parse("secret/data/OPENAI_API_KEY")?;
/// let request = Request::get(path).query("version", "3");
/// assert_eq!(request.to_string(), "GET secret/data/OPENAI_API_KEY");
///
/// let key = ApiPath::parse("transit/encrypt/orders")?;
/// let body = serde_json::json!({ "plaintext": "aGVsbG8=" });
/// let request = Request::put(key, &body)?.header("X-Vault-Index", "v1:…")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of a request")]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: ApiPath,
    pub(crate) query: String,
    pub(crate) namespace: Option<HeaderValue>,
    /// Whether the request is sent without a namespace, whatever that of the client is.
    pub(crate) in_root_namespace: bool,
    pub(crate) headers: Headers,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) idempotent: bool,
    pub(crate) retries: bool,
    /// Whether the first attempt, too, is paid for by the retry budget.
    pub(crate) is_retry: bool,
    pub(crate) first_byte_limit: Option<Duration>,
    pub(crate) max_body_bytes: usize,
    /// Whether a 404 with data instead of `errors` is a response rather than an error.
    pub(crate) accept_not_found_data: bool,
    /// Whether a response may be something else than a JSON object.
    pub(crate) accept_any_content: bool,
}

impl Request {
    /// Creates a request without a body. For Vault's `LIST`, see [`Request::list`].
    ///
    /// `GET`, `HEAD`, `OPTIONS` and `LIST` are [idempotent](Self::idempotent). `CONNECT` and `TRACE`
    /// are rejected when the request is sent.
    pub fn new(method: Method, path: ApiPath) -> Self {
        let idempotent = matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS" | "LIST");
        Self {
            method,
            path,
            query: String::new(),
            namespace: None,
            in_root_namespace: false,
            headers: Headers::default(),
            content_type: "application/json",
            body: Bytes::new(),
            idempotent,
            retries: true,
            is_retry: false,
            first_byte_limit: Some(FIRST_BYTE_LIMIT),
            max_body_bytes: MAX_BODY_BYTES,
            accept_not_found_data: false,
            accept_any_content: false,
        }
    }

    /// Adds a query parameter. Its name and its value are percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.extend(path::encode(name));
        self.query.push('=');
        self.query.extend(path::encode(value));
        self
    }

    /// Adds a header, such as `X-Vault-Index`. Its value is not shown by `Debug`.
    ///
    /// # Errors
    /// [`HeaderError`] if the name or the value is invalid, if the client sets the header itself
    /// (`X-Vault-Token`, `X-Vault-Namespace`, `Host`, `Content-Length`, …), or if the headers become
    /// too large.
    pub fn header(
        mut self,
        name: impl TryInto<HeaderName>,
        value: impl TryInto<HeaderValue>,
    ) -> Result<Self, HeaderError> {
        self.headers.append(name, value)?;
        Ok(self)
    }

    /// Requests that the response is [wrapped]: it then contains only a token, which
    /// [`Response::wrap_info`](crate::Response::wrap_info) returns and which can be unwrapped once
    /// within `ttl`. Rounded up to whole seconds, and to at least one.
    ///
    /// [wrapped]: https://developer.hashicorp.com/vault/docs/concepts/response-wrapping
    #[must_use]
    pub fn wrap_ttl(mut self, ttl: Duration) -> Self {
        self.headers.set_wrap_ttl(ttl);
        self
    }

    /// Sends the request in the root namespace, whatever the
    /// [namespace of the client](crate::ClientBuilder::namespace) is.
    #[must_use]
    pub fn in_root_namespace(mut self) -> Self {
        self.namespace = None;
        self.in_root_namespace = true;
        self
    }

    /// Returns whether the request needs no namespace of the client.
    pub(crate) fn names_namespace(&self) -> bool {
        self.namespace.is_some() || self.in_root_namespace
    }

    /// Sets the `X-Vault-Namespace` header. With `None`, the namespace is that of the
    /// [client](crate::ClientBuilder::namespace), which by default has none.
    #[must_use]
    pub fn namespace(mut self, namespace: Option<&ApiPath>) -> Self {
        // Vault does not percent-decode this header, so the decoded text is sent if it is a valid
        // header value. The encoded path always is, because it is visible ASCII.
        self.namespace = namespace.and_then(|path| {
            HeaderValue::from_str(&path.decoded()).or_else(|_| path.as_str().parse()).ok()
        });
        self
    }

    /// Marks the request as idempotent although its method is not `GET`, such as a look-up whose
    /// arguments are in the body. An idempotent request may be retried even if it may have been
    /// executed.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Marks the request as not idempotent although its method is, such as a `GET` that creates
    /// credentials with a lease. It is then retried only if it was certainly not executed.
    #[must_use]
    pub fn not_idempotent(mut self) -> Self {
        self.idempotent = false;
        self
    }

    /// Disables retries, for callers that schedule and count their attempts themselves.
    #[must_use]
    pub fn without_retries(mut self) -> Self {
        self.retries = false;
        self
    }

    /// Counts the request against the retry budget, because it repeats one whose outcome is not
    /// known, or finds out that outcome. It is not sent if the budget is exhausted.
    #[must_use]
    pub fn counted_as_retry(mut self) -> Self {
        self.is_retry = true;
        self
    }

    /// Sets the time within which the first byte of the response must arrive, connecting included.
    /// With `None`, only the deadline applies.
    ///
    /// Use `None` for requests that take long on the server, and for those whose response cannot be
    /// obtained again: logins, renewals, unwrapping. The default is 2 seconds, which leaves time
    /// for a second attempt.
    #[must_use]
    pub fn first_byte_limit(mut self, limit: Option<Duration>) -> Self {
        self.first_byte_limit = limit;
        self
    }

    /// Sets the maximum size of the response's body, in bytes. The default is [`MAX_BODY_BYTES`],
    /// which is enough for all responses but lists of many names.
    #[must_use]
    pub fn max_body_bytes(mut self, limit: usize) -> Self {
        self.max_body_bytes = limit;
        self
    }

    /// Accepts a 404 that carries data instead of `errors` as a response, which is how the KV
    /// engine responds for a deleted version. For other requests, such a 404 is
    /// [`ErrorKind::Malformed`] because it must come from a gateway.
    #[must_use]
    pub fn accept_not_found_data(mut self) -> Self {
        self.accept_not_found_data = true;
        self
    }

    /// Accepts a response that is not a JSON object, such as a certificate in PEM or metrics in the
    /// format of Prometheus, for [`Response::bytes`](crate::Response::bytes). Without this, such a
    /// response is [`ErrorKind::Malformed`], because a gateway or a captive portal may have sent it.
    /// Check [`Response::content_type`](crate::Response::content_type).
    #[must_use]
    pub fn accept_any_content(mut self) -> Self {
        self.accept_any_content = true;
        self
    }

    /// Returns the length of the body, in bytes.
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// Returns the error of this request for a failure of the transport.
    pub(crate) fn transport_error(&self, failure: TransportError) -> Error {
        let mut error = self.error(failure.kind).with_executed(failure.executed);
        if let Some(detail) = failure.detail {
            error = error.with_detail(detail);
        }
        if let Some(status) = failure.status {
            error = error.with_status(status);
        }
        match failure.source {
            Some(source) => error.with_shared_source(source),
            None => error,
        }
    }

    /// Returns an error of `kind` with the method, path and namespace of this request.
    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.to_string())
    }
}

/// Displays the method, the path and the namespace, without the query.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match self.namespace.as_ref().map(HeaderValue::to_str) {
            Some(Ok(namespace)) => write!(f, " in namespace {namespace}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_the_namespace() {
        let namespace = ApiPath::parse("teams/team-a").unwrap();
        let request = Request::get(ApiPath::from_static("sys/x")).query("a", "b");
        assert_eq!(request.to_string(), "GET sys/x");
        let error = request.namespace(Some(&namespace)).error(ErrorKind::NoNamespace);
        assert_eq!(error.to_string(), "GET sys/x in namespace teams/team-a: namespace not found");
    }

    #[test]
    fn query_parameters_are_percent_encoded() {
        let request = Request::get(ApiPath::from_static("sys/x"))
            .query("version", "3")
            .query("after", "a&list=true#é /?");
        assert_eq!(request.query, "version=3&after=a%26list%3Dtrue%23%C3%A9%20%2F%3F");
    }
}
