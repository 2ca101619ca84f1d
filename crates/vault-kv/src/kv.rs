//! The engine at one mount, and what its operations have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde::Deserialize;

use vault_http::{Deadline, Request, Response, Session};

use crate::error::Error;
use crate::mount::Mount;
use crate::mount_version::MountCheck;

/// A KV version 2 engine. Cheap to clone.
///
/// Each operation has the session's deadline of its own, unless [`until`](Self::until) sets one for
/// several together.
#[derive(Debug, Clone)]
pub struct Kv {
    pub(crate) session: Session,
    pub(crate) mount: Mount,
    deadline: Option<Deadline>,
    /// Requests are sent once.
    once: bool,
    pub(crate) check: Arc<MountCheck>,
    /// Something that changes the store was sent; shared across mounts.
    changed: Arc<AtomicBool>,
}

impl Kv {
    /// The engine at `mount`. Nothing is sent.
    pub fn new(session: Session, mount: Mount) -> Self {
        let (check, changed) = <_>::default();
        Self { session, mount, deadline: None, once: false, check, changed }
    }

    /// The engine at another mount of the same server, through the same session. Nothing is sent.
    #[must_use]
    pub fn with_mount(&self, mount: Mount) -> Self {
        Self { mount, check: Arc::default(), ..self.clone() }
    }

    /// The same with one deadline for all that it does from now on.
    #[must_use]
    pub fn with_deadline(&self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The same without retries: each request is sent once, whatever it meets. For a caller that comes
    /// back by itself.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self { once: true, ..self.clone() }
    }

    /// Where the engine is mounted.
    pub fn mount(&self) -> &Mount {
        &self.mount
    }

    /// Whether a request that changes something was sent by this engine, a clone of it or one
    /// [at another mount](Self::at): from then on, to give up is to not know.
    pub fn has_sent_change(&self) -> bool {
        self.changed.load(Relaxed)
    }

    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline.unwrap_or_else(|| self.session.deadline())
    }

    pub(crate) async fn ask(&self, request: Request, by: Deadline) -> Result<Response, Error> {
        self.session.send(&self.planned(request), by).await.map_err(Error::read)
    }

    /// Sends what changes something: only to an engine that is not known to be something else.
    pub(crate) async fn change(&self, request: Request, by: Deadline) -> Result<Response, Error> {
        self.check_version(by).await?;
        self.changed.store(true, Relaxed);
        self.session.send(&self.planned(request), by).await.map_err(Error::write)
    }

    /// Like [`change`](Self::change), for what is answered with 204, or with 200 and warnings.
    pub(crate) async fn change_only(&self, request: Request) -> Result<(), Error> {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "an envelope of Vault's has it")]
        struct Envelope<'a> {
            request_id: &'a str,
        }
        let answer = self.change(request, self.deadline()).await?;
        answer.expect_status(&[200, 204]).map_err(Error::write)?;
        if answer.status() == 200 {
            answer.json::<Envelope<'_>>().map_err(Error::write)?;
        }
        Ok(())
    }

    pub(crate) fn planned(&self, request: Request) -> Request {
        if self.once { request.without_retries() } else { request }
    }
}
