//! The trait between the client and the network.
//!
//! A [`Transport`] connects, pools connections, sends a request and reads the response. It knows
//! nothing about Vault: the [`Client`](crate::Client) interprets responses and retries requests.
//! The default transport uses `reqwest`; tests can replace it with an in-memory server.

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

/// Sends HTTP requests over connections that it manages.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request with an absolute URI and reads the whole response within `limits`.
    ///
    /// The request must be sent at most once. It may be sent again only if nothing of it was
    /// written to a connection.
    ///
    /// # Errors
    /// [`TransportError`] contains the cause, and whether the request may have been executed.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> Result<http::Response<ZeroizingBytes>, TransportError>;

    /// Discards the pooled connections, so that later requests use new ones. Requests in flight are
    /// not affected.
    fn reset(&self) {}
}

/// The limits of one request and its response.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// The deadline for the whole response, connecting included.
    pub deadline: Deadline,
    /// The time within which the head of the response must arrive, connecting included. With
    /// `None`, only the deadline applies.
    pub first_byte: Option<Duration>,
    /// The maximum size of the response body, in bytes.
    pub max_body_bytes: usize,
}

impl Limits {
    /// Creates limits without a first-byte limit.
    pub fn new(deadline: Deadline, max_body_bytes: usize) -> Self {
        Self { deadline, first_byte: None, max_body_bytes }
    }

    /// Waits for the head of the response.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if the deadline or the first-byte limit passes first.
    pub async fn head<F: Future>(&self, head: F) -> Result<F::Output, TransportError> {
        let until = self.first_byte.map_or(self.deadline, |limit| self.deadline.within(limit));
        until.bound(head).await.ok_or_else(|| {
            let timeout = TransportError::new(ErrorKind::Timeout);
            if until < self.deadline {
                timeout.with_detail("no response within the first-byte limit")
            } else {
                timeout
            }
        })
    }

    /// Waits for the body of the response or a part of it.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if the deadline passes first.
    pub async fn body<F: Future>(&self, body: F) -> Result<F::Output, TransportError> {
        self.deadline.bound(body).await.ok_or_else(|| TransportError::new(ErrorKind::Timeout))
    }

    /// Appends a chunk to the body.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the body would exceed its maximum size.
    pub fn append(&self, body: &mut ZeroizingBytes, chunk: &[u8]) -> Result<(), TransportError> {
        if zeroizing::append(body, chunk, self.max_body_bytes) {
            return Ok(());
        }
        Err(TransportError::new(ErrorKind::Malformed).with_detail("response body too large"))
    }
}

/// The error of a [`Transport`]: no complete response was received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TransportError {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// Whether the request may have been executed.
    pub executed: Executed,
    /// A more precise cause, if one is known.
    pub detail: Option<&'static str>,
    /// The status of a response that is incomplete.
    pub status: Option<StatusCode>,
    /// The underlying error. Its text must not contain any part of a request or response.
    pub source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// Creates an error of `kind`, with the executed state that the kind implies.
    pub fn new(kind: ErrorKind) -> Self {
        let executed = kind.semantics().executed;
        Self { kind, executed, detail: None, status: None, source: None }
    }

    /// Sets whether the request may have been executed.
    #[must_use]
    pub fn with_executed(self, executed: Executed) -> Self {
        Self { executed, ..self }
    }

    /// Sets a more precise cause.
    #[must_use]
    pub fn with_detail(self, detail: &'static str) -> Self {
        Self { detail: Some(detail), ..self }
    }

    /// Sets the status of the incomplete response.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Sets the underlying error. Its text must not contain any part of a request or response.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }
}
