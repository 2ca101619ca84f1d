//! The errors of loads, and what they mean for the cache.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

/// An error of a [`Load`](crate::Load), which determines its effect on the cache. [`LoadFailure`]
/// makes one from any error.
pub trait LoadError: Error + Send + Sync + 'static {
    /// Returns what the error means for a value that may be in memory.
    fn kind(&self) -> LoadErrorKind;
}

/// The error of a source that cannot fail.
impl LoadError for Infallible {
    fn kind(&self) -> LoadErrorKind {
        match *self {}
    }
}

/// The effect of a failed load on a value that may be in memory.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadErrorKind {
    /// The source could not be reached, or could not respond. The old value may be served for up to
    /// [`max_stale`](crate::Builder::max_stale). A key without a value is loaded again after a
    /// second at the earliest.
    Unavailable,
    /// The loader isn't logged in to the source. Like [`Unavailable`](Self::Unavailable), but the
    /// error is not cached, because it says nothing about the key: each caller without a value
    /// causes a load. The loader must limit the rate of its logins.
    Unauthenticated,
    /// There is no such value. The old value is no longer served, and the error is cached for
    /// [`negative_ttl`](crate::Builder::negative_ttl).
    NotFound,
    /// The source denied access to the value. Like [`NotFound`](Self::NotFound).
    Denied,
}

impl fmt::Display for LoadErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "source unavailable",
            Self::Unauthenticated => "not authenticated",
            Self::NotFound => "not found",
            Self::Denied => "permission denied",
        })
    }
}

/// An error with its [`LoadErrorKind`], for a loader whose error doesn't implement [`LoadError`].
///
/// `?` converts an error to one of the kind [`LoadErrorKind::Unavailable`], which is right for all
/// errors that say nothing about the key. `Display` shows the kind, and [`source`](Error::source)
/// is the error.
///
/// ```
/// use std::io;
///
/// use secret_cache::{LoadErrorKind, LoadFailure, Loaded};
///
/// async fn load(path: String) -> Result<Loaded<String>, LoadFailure<io::Error>> {
///     let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
///         io::ErrorKind::NotFound => LoadFailure::not_found(error),
///         _ => LoadFailure::unavailable(error),
///     })?;
///     Ok(Loaded::new(text))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let failure = load("/no/such/file".to_owned()).await.unwrap_err();
/// assert_eq!(failure.kind(), LoadErrorKind::NotFound);
/// assert_eq!(failure.error().kind(), io::ErrorKind::NotFound);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadFailure<E> {
    kind: LoadErrorKind,
    error: E,
}

impl<E> LoadFailure<E> {
    /// Creates a failure of this kind.
    pub const fn new(kind: LoadErrorKind, error: E) -> Self {
        Self { kind, error }
    }

    /// Creates a failure of the kind [`LoadErrorKind::Unavailable`].
    pub const fn unavailable(error: E) -> Self {
        Self::new(LoadErrorKind::Unavailable, error)
    }

    /// Creates a failure of the kind [`LoadErrorKind::Unauthenticated`].
    pub const fn unauthenticated(error: E) -> Self {
        Self::new(LoadErrorKind::Unauthenticated, error)
    }

    /// Creates a failure of the kind [`LoadErrorKind::NotFound`].
    pub const fn not_found(error: E) -> Self {
        Self::new(LoadErrorKind::NotFound, error)
    }

    /// Creates a failure of the kind [`LoadErrorKind::Denied`].
    pub const fn denied(error: E) -> Self {
        Self::new(LoadErrorKind::Denied, error)
    }

    /// Returns the kind.
    pub const fn kind(&self) -> LoadErrorKind {
        self.kind
    }

    /// Returns the error.
    pub const fn error(&self) -> &E {
        &self.error
    }

    /// Returns the error without its kind.
    pub fn into_error(self) -> E {
        self.error
    }
}

/// Creates a failure of the kind [`LoadErrorKind::Unavailable`].
impl<E> From<E> for LoadFailure<E> {
    fn from(error: E) -> Self {
        Self::unavailable(error)
    }
}

impl<E> fmt::Display for LoadFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl<E: Error + 'static> Error for LoadFailure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl<E: Error + Send + Sync + 'static> LoadError for LoadFailure<E> {
    fn kind(&self) -> LoadErrorKind {
        self.kind
    }
}
