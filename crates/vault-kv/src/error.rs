//! The error of an operation on the engine.

use std::fmt;

use vault_http::{ApiPath, Executed};

use crate::fields::{ParseError, SerializeError};
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
    /// The fields that were read do not fit the caller's type: the operation, and the reason.
    Parse(String, Box<ParseError>),
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
    /// The mount is not a KV engine of the version that the client expects.
    WrongKvVersion,
    /// The check-and-set version is not the latest one. Read the secret and decide again.
    CasMismatch,
    /// The mount or the secret requires a check-and-set version.
    CasRequired,
    /// A value is larger than the engine stores, or a list than
    /// [`MAX_LIST_BYTES`](crate::MAX_LIST_BYTES).
    TooLarge,
    /// The fields do not fit the type that was to be read, or the value that was to be written is
    /// not a JSON object. [`Error::parse_error`] names the field.
    InvalidFields,
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

    /// Creates the error of fields that do not fit the caller's type.
    pub(crate) fn parse(operation: String, error: ParseError) -> Self {
        Self { kind: ErrorKind::InvalidFields, cause: Cause::Parse(operation, Box::new(error)) }
    }

    /// Creates the error of a value that cannot be written to `path`.
    pub(crate) fn serialize(path: &ApiPath, error: SerializeError) -> Self {
        Self::response(ErrorKind::InvalidFields, format!("POST {path}: {error}"))
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
            Cause::Exchange(_) | Cause::Parse(..) => None,
        }
    }

    /// Returns the error of the field that does not fit the type, for
    /// [`ErrorKind::InvalidFields`] of a read.
    pub fn parse_error(&self) -> Option<&ParseError> {
        match &self.cause {
            Cause::Parse(_, error) => Some(error),
            Cause::Exchange(_) | Cause::Response(..) => None,
        }
    }

    /// Returns the error of the request, with its status and more precise kind, if a request
    /// failed. It is `None` if the engine's response itself shows the error, such as a deleted
    /// version.
    pub fn http_error(&self) -> Option<&vault_http::Error> {
        match &self.cause {
            Cause::Exchange(error) => Some(error),
            Cause::Response(..) | Cause::Parse(..) => None,
        }
    }

    /// Returns the server's own messages about the request, which are not part of the error's text
    /// because a server may repeat parts of the request in them.
    pub fn vault_messages(&self) -> &[String] {
        self.http_error().map_or(&[], vault_http::Error::vault_messages)
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
            | ErrorKind::InvalidFields
            | ErrorKind::Ambiguous => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Exchange(error) => error.fmt(f),
            Cause::Response(description, _) => f.write_str(description),
            Cause::Parse(operation, error) => write!(f, "{operation}: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            // Its own text is already the text of this error.
            Cause::Exchange(error) => std::error::Error::source(error),
            Cause::Response(..) | Cause::Parse(..) => None,
        }
    }
}
