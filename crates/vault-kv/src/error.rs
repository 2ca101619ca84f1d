//! The error of an operation on the engine.

use std::fmt;

use vault_http::Executed;

use crate::secret::VersionMetadata;

/// The error of an operation on the engine.
///
/// Its text holds the method and the path of the request, and never a value.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    cause: Cause,
}

#[derive(Debug, Clone)]
enum Cause {
    /// The request failed.
    Exchange(vault_http::Error),
    /// The response shows that the operation failed: a description, and the metadata of the version
    /// that it is about.
    Response(String, Option<Box<VersionMetadata>>),
}

/// The kind of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The secret, or the version, does not exist.
    NotFound,
    /// The version is deleted. It can be undeleted.
    Deleted,
    /// The data of the version is destroyed permanently.
    Destroyed,
    /// The mount is not a KV engine of version 2.
    WrongKvVersion,
    /// The check-and-set version is not the latest one. Read the secret and decide again.
    CasMismatch,
    /// The mount or the secret requires a check-and-set version.
    CasRequired,
    /// A value is larger than the engine stores.
    TooLarge,
    /// The response to a write was lost, so that it may or may not have been executed. Read the
    /// secret to find out.
    Ambiguous,
    /// The request failed in another way.
    Exchange(vault_http::ErrorKind),
}

impl Error {
    /// Creates the error that a response shows.
    pub(crate) fn response(kind: ErrorKind, description: String) -> Self {
        Self { kind, cause: Cause::Response(description, None) }
    }

    /// Creates the error that a response shows about one version.
    pub(crate) fn version_response(
        kind: ErrorKind,
        description: String,
        version: VersionMetadata,
    ) -> Self {
        Self { kind, cause: Cause::Response(description, Some(Box::new(version))) }
    }

    /// Converts the error of a request that reads, or that was certainly not executed.
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

    /// Converts the error of a request that changes something.
    pub(crate) fn write(error: vault_http::Error) -> Self {
        match error.executed() {
            Executed::No => Self::read(error),
            Executed::Maybe => Self { kind: ErrorKind::Ambiguous, cause: Cause::Exchange(error) },
        }
    }

    /// Replaces the kind, once more is known about the outcome.
    pub(crate) fn into_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the number of the version that is deleted or destroyed, which a check-and-set write
    /// has to name.
    pub fn version(&self) -> Option<u64> {
        self.version_metadata().map(|metadata| metadata.version)
    }

    /// Returns the metadata of the version that is deleted or destroyed.
    pub fn version_metadata(&self) -> Option<&VersionMetadata> {
        match &self.cause {
            Cause::Response(_, version) => version.as_deref(),
            Cause::Exchange(_) => None,
        }
    }

    /// Returns whether an older value may be served, because the error says nothing about the
    /// secret: the server could not be reached, for instance.
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
            Cause::Response(description, _) => f.write_str(description),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            // Its own text is already the text of this error.
            Cause::Exchange(error) => std::error::Error::source(error),
            Cause::Response(..) => None,
        }
    }
}
