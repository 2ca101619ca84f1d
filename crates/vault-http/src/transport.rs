//! The port between the client and the network: one request out, one response back.
//!
//! A transport connects, pools and resets connections, and knows nothing of Vault. What a response
//! means, and whether a request is sent again, is the [`Client`](crate::Client)'s concern. The
//! default is made of `reqwest`; a test can put a server in memory in its place.

use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;

use crate::deadline::Deadline;
use crate::error::{ErrorKind, Executed};
use crate::zeroizing::{self, ZeroizingBytes};

/// Sends requests over connections of its own.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`, whose URI is absolute, once, and reads the whole response within `limits`.
    ///
    /// A request is sent once. A transport may send it again only if nothing of it was written to a
    /// connection.
    ///
    /// # Errors
    /// Why there is no whole response, and whether the request may have been executed.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> Result<http::Response<ZeroizingBytes>, TransportError>;

    /// Has requests that are sent from now on use new connections.
    fn reset(&self) {}
}

/// The bounds of one exchange.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// The end of the exchange, connecting included.
    pub deadline: Deadline,
    /// The longest wait for the head of the response, connecting included. `None` leaves the
    /// deadline alone.
    pub first_byte: Option<Duration>,
    /// The largest body of a response, in bytes.
    pub max_body_bytes: usize,
}

impl Limits {
    /// Limits for a deadline, without a limit for the first byte.
    pub fn new(deadline: Deadline, max_body_bytes: usize) -> Self {
        Self { deadline, first_byte: None, max_body_bytes }
    }

    /// Waits for the head of a response.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if a limit passed first.
    pub async fn head<F: Future>(&self, head: F) -> Result<F::Output, TransportError> {
        let until = self.first_byte.map_or(self.deadline, |limit| self.deadline.within(limit));
        until.bound(head).await.ok_or_else(|| {
            let timeout = TransportError::new(ErrorKind::Timeout);
            if until < self.deadline {
                timeout.with_detail("no first byte within the limit")
            } else {
                timeout
            }
        })
    }

    /// Waits for a part of the body.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if the deadline passed first.
    pub async fn body<F: Future>(&self, part: F) -> Result<F::Output, TransportError> {
        self.deadline.bound(part).await.ok_or_else(|| TransportError::new(ErrorKind::Timeout))
    }

    /// Appends a part of the body.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the body is then larger than the limit.
    pub fn append(&self, body: &mut ZeroizingBytes, part: &[u8]) -> Result<(), TransportError> {
        if zeroizing::append(body, part, self.max_body_bytes) {
            return Ok(());
        }
        Err(TransportError::new(ErrorKind::Malformed).with_detail("response body too large"))
    }
}

/// Why there is no whole response.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TransportError {
    /// What went wrong: a kind that concerns connections.
    pub kind: ErrorKind,
    /// Whether the request may have been executed.
    pub executed: Executed,
    /// The cause in a fixed text, if more is known than the kind.
    pub detail: Option<&'static str>,
    /// The status of a response that broke off.
    pub status: Option<StatusCode>,
    /// The underlying error, whose text holds no part of a request or response.
    pub source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// An error of `kind`, with the executed state that the kind implies.
    pub fn new(kind: ErrorKind) -> Self {
        let executed = kind.semantics().executed;
        Self { kind, executed, detail: None, status: None, source: None }
    }

    /// Sets whether the request may have been executed.
    #[must_use]
    pub fn with_executed(self, executed: Executed) -> Self {
        Self { executed, ..self }
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_detail(self, detail: &'static str) -> Self {
        Self { detail: Some(detail), ..self }
    }

    /// Sets the status of the response that broke off.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Sets the underlying error.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }
}
