//! An answer that may be read: its status and its body, typed on demand.

use std::fmt;

use http::StatusCode;
use serde::Deserialize;

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
}

impl Response {
    pub(crate) fn new(status: StatusCode, body: Wiped, request: &Request) -> Self {
        let operation = Request::new(request.method.clone(), request.path.clone());
        Self { status, body, operation }
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

    /// Checks that the status is one with which Vault answers this operation. A 404 without `errors`
    /// is KV's answer about a deleted version, and for anything else a gateway's own.
    ///
    /// # Errors
    /// [`Kind::Malformed`]. Something that answers 4xx in Vault's place did not pass the request on,
    /// so it was certainly not executed.
    pub fn expect_status(&self, statuses: &[u16]) -> Result<(), Error> {
        if statuses.contains(&self.status()) {
            return Ok(());
        }
        let error = self.malformed("Vault does not answer this with that status");
        Err(if self.status.is_client_error() { error.unsent() } else { error })
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
