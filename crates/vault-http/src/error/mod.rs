//! The error of an exchange: what was asked, where, and what came of it. Never what was in it.

pub(crate) mod classify;
pub(crate) mod kind;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::error::kind::{ErrorKind, Executed};
use crate::path::ApiPath;

/// Why an exchange with Vault gave no answer that can be used.
///
/// Holds the method, the path, the status and a [`ErrorKind`]; no query, no body, no header. It is cheap
/// to clone, so that all who waited for one login can share its outcome.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    operation: String,
    status: Option<StatusCode>,
    detail: Option<&'static str>,
    retry_after: Option<Duration>,
    executed: Option<Executed>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` in an operation described as `operation`, such as `GET secret/data/a`.
    pub fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            operation: operation.into(),
            status: None,
            detail: None,
            retry_after: None,
            executed: None,
            source: None,
        }))
    }

    /// An error of an exchange.
    pub(crate) fn of(kind: ErrorKind, method: &Method, path: &ApiPath) -> Self {
        Self::new(kind, format!("{method} {path}"))
    }

    /// What exactly, in a fixed text: nothing that a server or a user wrote.
    #[must_use]
    pub fn with_detail(self, detail: &'static str) -> Self {
        self.change(|inner| inner.detail = Some(detail))
    }

    /// What caused it. The source's text must hold no part of a body.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    /// The same error as another kind, once more is known.
    #[must_use]
    pub fn into_kind(self, kind: ErrorKind) -> Self {
        self.change(|inner| inner.kind = kind)
    }

    /// Marks that the request was certainly not executed.
    #[must_use]
    pub fn mark_not_executed(self) -> Self {
        self.change(|inner| inner.executed = Some(Executed::No))
    }

    /// Marks that the request may have been executed, whatever the kind says.
    pub(crate) fn mark_maybe_executed(self) -> Self {
        self.change(|inner| inner.executed = Some(Executed::Maybe))
    }

    pub(crate) fn with_executed(self, executed: Executed) -> Self {
        self.change(|inner| inner.executed = Some(executed))
    }

    pub(crate) fn with_shared_source(self, source: Arc<dyn StdError + Send + Sync>) -> Self {
        self.change(|inner| inner.source = Some(source))
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        self.change(|inner| inner.status = Some(status))
    }

    pub(crate) fn with_retry_after(self, after: Option<Duration>) -> Self {
        self.change(|inner| inner.retry_after = after)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// What went wrong; [`ErrorKind::semantics`] says what that means.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What exactly, where more is known than the kind; else the kind's own text.
    pub fn detail(&self) -> &'static str {
        self.0.detail.unwrap_or(self.0.kind.description())
    }

    /// The status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status.map(|status| status.as_u16())
    }

    /// How long the server asks to wait, as it said it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the request may have been executed although it failed.
    pub fn executed(&self) -> Executed {
        self.0.executed.unwrap_or(self.0.kind.semantics().executed)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.operation, self.0.kind.description())?;
        if let Some(detail) = self.0.detail {
            write!(f, ": {detail}")?;
        }
        self.0.status.map_or(Ok(()), |status| write!(f, " (status {})", status.as_u16()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("operation", &self.0.operation);
        debug.field("status", &self.status()).field("detail", &self.0.detail);
        debug.field("source", &self.0.source).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
