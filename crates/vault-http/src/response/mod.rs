//! A response without an error: its status and its body, which is deserialized on demand.

mod date;
pub(crate) mod envelope;

use std::fmt;
use std::time::SystemTime;

use http::StatusCode;
use http::header::{CONTENT_TYPE, DATE, HeaderMap};
use serde::Deserialize;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::path::ApiPath;
use crate::request::Request;
use crate::zeroizing::ZeroizingBytes;

/// A response without an error: any 2xx, or a 404 with data if the request
/// [accepts it](Request::accept_not_found_data).
pub struct Response {
    status: StatusCode,
    body: ZeroizingBytes,
    /// The method, the path and the namespace of the request.
    operation: Request,
    sent_at: Instant,
    headers: HeaderMap,
    /// Whether the body is JSON, which has been validated.
    is_json: bool,
}

impl Response {
    /// Creates a response to `request` whose body is JSON. [`with_head`](Self::with_head) sets its
    /// time and its headers.
    pub(crate) fn new(status: StatusCode, body: ZeroizingBytes, request: &Request) -> Self {
        let namespace = request.namespace.clone();
        let operation = Request::new(request.method.clone(), request.path.clone());
        let operation = Request { namespace, ..operation };
        let (sent_at, headers) = (Instant::now(), HeaderMap::new());
        Self { status, body, operation, sent_at, headers, is_json: true }
    }

    /// Sets the time when the request was sent, and the headers of the response.
    pub(crate) fn with_head(self, sent_at: Instant, headers: HeaderMap) -> Self {
        Self { sent_at, headers, ..self }
    }

    /// Marks the body as something else than JSON.
    pub(crate) fn without_json(self) -> Self {
        Self { is_json: false, ..self }
    }

    /// Returns a time just before the request was sent. The response was created after it.
    pub fn sent_at(&self) -> Instant {
        self.sent_at
    }

    /// Returns the time of the response by the server's clock, in whole seconds, from the
    /// [`Date`](https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1) header. Compare it only with
    /// other times of the same server.
    pub fn date(&self) -> Option<SystemTime> {
        self.headers.get(DATE).and_then(|date| date::parse(date.to_str().ok()?))
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the `Content-Type`, with its parameters.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
    }

    /// Returns the body as it was received, for a request that
    /// [accepts any content](Request::accept_any_content).
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Like [`bytes`](Self::bytes), without a copy. The bytes are zeroized on drop.
    pub fn into_bytes(self) -> ZeroizingBytes {
        self.body
    }

    /// Returns the path of the request.
    pub fn path(&self) -> &ApiPath {
        &self.operation.path
    }

    /// Deserializes the whole body. The value may borrow from it.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the body is not JSON or has another structure. The error does not
    /// quote it.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        let text = str::from_utf8(&self.body).ok().filter(|_| self.is_json);
        // The error of the parser is dropped because it may quote the body.
        text.and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| self.malformed("unexpected JSON structure"))
    }

    /// Deserializes the `data` of the envelope.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if there is no `data` or it has another structure.
    pub fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        #[derive(Deserialize)]
        struct Envelope<T> {
            data: T,
        }
        Ok(self.json::<Envelope<T>>()?.data)
    }

    /// Verifies that Vault may respond to this operation with the status, which must be one of
    /// `statuses`. A gateway in front of Vault may respond with others.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] for any other status. With a 4xx, the request did not reach Vault
    /// and was certainly not executed.
    pub fn expect_status(&self, statuses: &[u16]) -> Result<(), Error> {
        if statuses.contains(&self.status()) {
            return Ok(());
        }
        let error = self.malformed("unexpected status");
        Err(if self.status.is_client_error() { error.mark_not_executed() } else { error })
    }

    /// Returns an error for a response that lacks what its reader needs.
    pub fn malformed(&self, detail: &'static str) -> Error {
        self.error(ErrorKind::Malformed).with_detail(detail)
    }

    /// Returns an error of `kind` with the method, path, namespace and status of this response.
    pub fn error(&self, kind: ErrorKind) -> Error {
        self.operation.error(kind).with_status(self.status)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({:?}, {})", self.operation, self.status.as_u16())
    }
}
