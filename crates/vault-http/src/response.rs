//! An answer that may be read: its status and its body, typed on demand.

use std::fmt;
use std::time::SystemTime;

use http::StatusCode;
use http::header::{DATE, HeaderMap};
use serde::Deserialize;
use tokio::time::Instant;

use crate::error::Error;
use crate::kind::Kind;
use crate::path::ApiPath;
use crate::request::Request;
use crate::wiped::Wiped;

/// An answer without an error: any 2xx, and a 404 that carries data in place of `errors`.
pub struct Response {
    status: StatusCode,
    body: Wiped,
    operation: Request,
    sent_at: Instant,
    date: Option<SystemTime>,
}

impl Response {
    /// A response to `request`, until [`sent_at`](Self::with_times) says otherwise to one sent now.
    pub(crate) fn new(status: StatusCode, body: Wiped, request: &Request) -> Self {
        let operation = Request::new(request.method.clone(), request.path.clone());
        Self { status, body, operation, sent_at: Instant::now(), date: None }
    }

    /// Adds when the request was sent, and when the server answered by its own clock.
    pub(crate) fn with_times(self, sent_at: Instant, headers: &HeaderMap) -> Self {
        let date =
            headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        Self { sent_at, date, ..self }
    }

    /// A point in time just before the request was sent: the server answered later.
    pub fn sent_at(&self) -> Instant {
        self.sent_at
    }

    /// The time of the answer by the server's clock, in whole seconds, from the
    /// [`Date`](https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1) header. Compare it with other
    /// times of the same server only.
    pub fn date(&self) -> Option<SystemTime> {
        self.date
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The path that was asked.
    pub fn path(&self) -> &ApiPath {
        &self.operation.path
    }

    /// The whole body as `T`, which may borrow from it.
    ///
    /// # Errors
    /// [`Kind::Malformed`], which tells nothing of the body.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        // The parser's own error may quote what it read.
        serde_json::from_slice(&self.body).map_err(|_| self.malformed("not the expected JSON"))
    }

    /// The `data` of the envelope as `T`.
    ///
    /// # Errors
    /// [`Kind::Malformed`], when there is none or it has another shape.
    pub fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        #[derive(Deserialize)]
        struct Envelope<T> {
            data: T,
        }
        Ok(self.json::<Envelope<T>>()?.data)
    }

    /// The error that this answer is when it lacks what its reader needs.
    pub fn malformed(&self, detail: &'static str) -> Error {
        self.operation.error(Kind::Malformed).with_status(self.status).with_detail(detail)
    }

    /// An error of `kind` with this answer's method, path and status.
    pub fn error(&self, kind: Kind) -> Error {
        self.operation.error(kind).with_status(self.status)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({:?}, {})", self.operation, self.status.as_u16())
    }
}
