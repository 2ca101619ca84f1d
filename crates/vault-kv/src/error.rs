//! The error of an operation on the engine.

use std::fmt;

use vault_http::Executed;

use crate::secret::VersionMetadata;

/// Why an operation failed. Holds the request's method and path, never a value.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    cause: Cause,
}

#[derive(Debug, Clone)]
enum Cause {
    /// The exchange itself failed.
    Exchange(vault_http::Error),
    /// It went well, and this came out of it, of this version.
    Answer(String, Option<Box<VersionMetadata>>),
}

/// The kind of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing was ever stored there, or not that version.
    NotFound,
    /// The version is deleted; it can be undeleted.
    Deleted,
    /// The version's data is gone for good.
    Destroyed,
    /// The mount is a KV engine of version 1, or no KV engine.
    WrongKvVersion,
    /// Check-and-set: the stored version is another one. Read it and decide again.
    CasMismatch,
    /// The mount or the secret demands a check-and-set version.
    CasRequired,
    /// The value is larger than the engine takes.
    TooLarge,
    /// The answer to a write was lost: it may or may not have been executed. Read to find out.
    Ambiguous,
    /// Any other failure of the exchange.
    Exchange(vault_http::ErrorKind),
}

impl Error {
    /// An error that an answer came down to.
    pub(crate) fn answer(kind: ErrorKind, what: String) -> Self {
        Self { kind, cause: Cause::Answer(what, None) }
    }

    /// The same of one version.
    pub(crate) fn version_answer(kind: ErrorKind, what: String, version: VersionMetadata) -> Self {
        Self { kind, cause: Cause::Answer(what, Some(Box::new(version))) }
    }

    /// The error of an exchange that read.
    pub(crate) fn read(error: vault_http::Error) -> Self {
        use vault_http::ErrorKind as Http;
        let kind = match error.kind() {
            Http::NotFound => ErrorKind::NotFound,
            Http::CasMismatch => ErrorKind::CasMismatch,
            Http::CasRequired => ErrorKind::CasRequired,
            Http::TooLarge => ErrorKind::TooLarge,
            other => ErrorKind::Exchange(other),
        };
        Self { kind, cause: Cause::Exchange(error) }
    }

    /// The error of an exchange that wrote.
    pub(crate) fn write(error: vault_http::Error) -> Self {
        match error.executed() {
            Executed::No => Self::read(error),
            Executed::Maybe => Self { kind: ErrorKind::Ambiguous, cause: Cause::Exchange(error) },
        }
    }

    /// The same cause as another kind, once more is known.
    pub(crate) fn into_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The version that is deleted or destroyed: what a check-and-set write there has to name.
    pub fn version(&self) -> Option<u64> {
        self.version_metadata().map(|metadata| metadata.version)
    }

    /// What is known about the version that is deleted or destroyed.
    pub fn version_metadata(&self) -> Option<&VersionMetadata> {
        match &self.cause {
            Cause::Answer(_, version) => version.as_deref(),
            Cause::Exchange(_) => None,
        }
    }

    /// Whether the server could not be asked, so that an older value may be served within bounds.
    pub fn may_serve_stale(&self) -> bool {
        match self.kind {
            ErrorKind::Exchange(kind) => kind.semantics().may_serve_stale,
            ErrorKind::NotFound
            | ErrorKind::Deleted
            | ErrorKind::Destroyed
            | ErrorKind::WrongKvVersion
            | ErrorKind::CasMismatch
            | ErrorKind::CasRequired
            | ErrorKind::TooLarge
            | ErrorKind::Ambiguous => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Exchange(error) => error.fmt(f),
            Cause::Answer(what, _) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            // Its own text is this error's text.
            Cause::Exchange(error) => std::error::Error::source(error),
            Cause::Answer(..) => None,
        }
    }
}
