//! The error of a request: which operation failed, where, and why.
//!
//! The text of an error never contains a query, a header or a body, so that it can be logged as it
//! is. The messages of the server are kept apart from it.

pub(crate) mod build;
pub(crate) mod classify;
mod kind;
pub(crate) mod messages;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

pub use self::kind::{ErrorKind, ErrorSemantics, Executed};
use self::messages::Messages;

/// The error of a request to Vault.
///
/// `Display` and `Debug` contain the method, the path, the status and an [`ErrorKind`], but no query,
/// header or body. What the server said is only in [`vault_messages`](Self::vault_messages). Cheap to clone, so that all callers that waited for one login can share its error.
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
    messages: Messages,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error of an operation such as `GET secret/data/a`.
    pub fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            operation: operation.into(),
            status: None,
            detail: None,
            retry_after: None,
            executed: None,
            messages: Messages::default(),
            source: None,
        }))
    }

    /// Adds a more precise cause. The text is fixed, so that it cannot contain anything that a
    /// server or a user wrote.
    #[must_use]
    pub fn with_detail(self, detail: &'static str) -> Self {
        self.map(|inner| inner.detail = Some(detail))
    }

    /// Sets the underlying error, whose text must not contain any part of a body.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.map(|inner| inner.source = Some(Arc::new(source)))
    }

    /// Replaces the kind, once more is known about the cause.
    #[must_use]
    pub fn into_kind(self, kind: ErrorKind) -> Self {
        self.map(|inner| inner.kind = kind)
    }

    /// Marks the request as certainly not executed.
    #[must_use]
    pub fn mark_not_executed(self) -> Self {
        self.with_executed(Executed::No)
    }

    /// Marks the request as possibly executed, whatever the kind implies.
    pub(crate) fn mark_maybe_executed(self) -> Self {
        self.with_executed(Executed::Maybe)
    }

    pub(crate) fn with_executed(self, executed: Executed) -> Self {
        self.map(|inner| inner.executed = Some(executed))
    }

    pub(crate) fn with_shared_source(self, source: Arc<dyn StdError + Send + Sync>) -> Self {
        self.map(|inner| inner.source = Some(source))
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        self.map(|inner| inner.status = Some(status))
    }

    pub(crate) fn with_retry_after(self, after: Option<Duration>) -> Self {
        self.map(|inner| inner.retry_after = after)
    }

    pub(crate) fn with_messages(self, messages: Messages) -> Self {
        self.map(|inner| inner.messages = messages)
    }

    fn map(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Returns the kind. [`ErrorKind::semantics`] says how to react to it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the most precise cause that is known, or else the kind's description.
    pub fn detail(&self) -> &'static str {
        self.0.detail.unwrap_or(self.0.kind.description())
    }

    /// Returns the HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.0.status.map(|status| status.as_u16())
    }

    /// Returns the server's `Retry-After`, unmodified.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the `errors` of the response, such as `unknown role: web`, which are not part of the
    /// text of the error. At most 8, each cut off after 1 KiB.
    ///
    /// The texts are the server's: they contain paths and names, and control characters such as line
    /// breaks. Vault and OpenBao do not repeat passwords, tokens and secret data in them, but they do
    /// repeat values that they cannot parse, such as a duration, a number or a part of a policy, and
    /// plugins may repeat anything. A secret in the wrong field of a request may appear here. Show them to the person who
    /// made the request rather than in a log that others read.
    ///
    /// ```
    /// # fn show(error: &vault_http::Error) {
    /// eprintln!("{error}");
    /// for message in error.vault_messages() {
    ///     eprintln!("  the server said: {message:?}");
    /// }
    /// # }
    /// ```
    pub fn vault_messages(&self) -> &[String] {
        self.0.messages.as_slice()
    }

    /// Returns whether the request may have been executed although it failed.
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
