//! The client of a KV engine: its configuration, and how requests are sent.
//!
//! A request that changes something is sent only after [`version_check`](crate::version_check) has
//! ruled out an engine of another version. The operations themselves are in [`read`](crate::read),
//! [`list`](crate::list), [`write`](crate::write) and [`metadata`](crate::metadata).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde::Deserialize;
use vault_http::{Deadline, Error as HttpError, Executed, Request, Response, Session};

use crate::error::Error;
use crate::mount::Mount;
use crate::mount_version::{MountCheck, MountVersion};

/// A client of the KV version 2 engine at one mount. Cheap to clone.
///
/// The deadline of an operation is the session's, counted from its start, unless
/// [`with_deadline`](Self::with_deadline) sets one deadline for several operations.
#[derive(Debug, Clone)]
pub struct Kv {
    pub(crate) session: Session,
    pub(crate) mount: Mount,
    /// The version of the engine.
    pub(crate) expected: MountVersion,
    deadline: Option<Deadline>,
    /// Whether each request is sent once, even if a retry would be safe.
    without_retries: bool,
    /// Whether each request counts against the retry budget.
    counts_as_retries: bool,
    pub(crate) check: Arc<MountCheck>,
    /// Whether a request that changes something was sent. Shared by the clients of all mounts.
    change_sent: Arc<AtomicBool>,
}

impl Kv {
    /// Creates a client of the engine at `mount`. Nothing is sent.
    pub fn new(session: Session, mount: Mount) -> Self {
        Self::expecting(MountVersion::V2, session, mount)
    }

    /// Creates a client of an engine of this version.
    pub(crate) fn expecting(expected: MountVersion, session: Session, mount: Mount) -> Self {
        Self {
            session,
            mount,
            expected,
            deadline: None,
            without_retries: false,
            counts_as_retries: false,
            check: Arc::default(),
            change_sent: Arc::default(),
        }
    }

    /// Returns a client of the engine at another mount of the same server, over the same session.
    /// Nothing is sent.
    #[must_use]
    pub fn with_mount(&self, mount: Mount) -> Self {
        Self { mount, check: Arc::default(), ..self.clone() }
    }

    /// Returns a client whose operations share one deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// Returns a client that sends each request once, even if a retry would be safe, for callers
    /// that retry by themselves.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self { without_retries: true, ..self.clone() }
    }

    /// Returns a client whose requests count against the retry budget.
    pub(crate) fn counted_as_retries(&self) -> Self {
        Self { counts_as_retries: true, ..self.clone() }
    }

    /// Returns the mount of the engine.
    pub fn mount(&self) -> &Mount {
        &self.mount
    }

    /// Returns whether this client, a clone or one for [another mount](Self::with_mount) has sent a
    /// request that changes something. If so, a caller that gives up cannot know whether the change
    /// was made.
    pub fn has_sent_change(&self) -> bool {
        self.change_sent.load(Relaxed)
    }

    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline.unwrap_or_else(|| self.session.deadline())
    }

    /// Sends a request that only reads.
    pub(crate) async fn send(
        &self,
        request: Request,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        self.exchange(request, deadline).await.map_err(Error::read)
    }

    /// Sends a request that changes something, unless the engine is known not to be the
    /// expected one.
    pub(crate) async fn send_change(
        &self,
        request: Request,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        self.check_version(deadline).await?;
        self.change_sent.store(true, Relaxed);
        self.exchange(request, deadline).await.map_err(Error::write)
    }

    async fn exchange(&self, request: Request, deadline: Deadline) -> Result<Response, HttpError> {
        let request = self.with_retry_policy(request);
        match self.session.send(&request, deadline).await {
            Err(error) if error.executed() == Executed::No => {
                Err(self.explain(error, deadline).await)
            }
            outcome => outcome,
        }
    }

    /// Like [`send_change`](Self::send_change), for requests whose response carries no data: 204,
    /// or 200 with warnings.
    pub(crate) async fn send_change_without_data(&self, request: Request) -> Result<(), Error> {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "its presence shows that the response is Vault's")]
        struct Envelope<'a> {
            request_id: &'a str,
        }
        let response = self.send_change(request, self.deadline()).await?;
        response.expect_status(&[200, 204]).map_err(Error::write)?;
        if response.status() == 200 {
            response.json::<Envelope<'_>>().map_err(Error::write)?;
        }
        Ok(())
    }

    pub(crate) fn with_retry_policy(&self, request: Request) -> Request {
        let request = if self.without_retries { request.without_retries() } else { request };
        if self.counts_as_retries { request.counted_as_retry() } else { request }
    }
}
