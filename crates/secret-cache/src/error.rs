//! The errors of reads and of the builder.

use std::fmt;
use std::sync::Arc;

use crate::load_error::{LoadError, LoadErrorKind};

/// The error of [`Cache::get`](crate::Cache::get).
///
/// All callers that waited for one load share its error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error<E> {
    /// The load failed with this error, or a recent one did and its error is cached.
    Load(Arc<E>),
    /// The loader panicked, and there is no older value that may be served.
    Panicked,
    /// The loader returned an older version than one already seen, which may no longer be served
    /// itself.
    Outdated,
    /// The value's own [lifetime](crate::Loaded::expires_in) is over, and the source has been
    /// unavailable since. Treat the value as deleted.
    Expired,
    /// The queue of loads has reached
    /// [`max_waiting_loads`](crate::Builder::max_waiting_loads). Retry later.
    Busy,
    /// There is no Tokio runtime for the load: the call was made outside of one, or the runtime of
    /// the load has been shut down.
    NoRuntime,
}

impl<E: LoadError> Error<E> {
    /// Returns the kind of the loader's error. [`Expired`](Self::Expired) is
    /// [`LoadErrorKind::NotFound`], and all others are [`LoadErrorKind::Unavailable`].
    pub fn kind(&self) -> LoadErrorKind {
        match self {
            Self::Load(error) => error.kind(),
            Self::Expired => LoadErrorKind::NotFound,
            Self::Panicked | Self::Outdated | Self::Busy | Self::NoRuntime => {
                LoadErrorKind::Unavailable
            }
        }
    }
}

impl<E> Error<E> {
    /// Returns the loader's error, if there is one.
    pub fn load_error(&self) -> Option<&E> {
        match self {
            Self::Load(error) => Some(error),
            Self::Panicked | Self::Outdated | Self::Expired | Self::Busy | Self::NoRuntime => None,
        }
    }
}

/// Not derived, because the loader's error is shared and need not be `Clone`.
impl<E> Clone for Error<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Load(error) => Self::Load(Arc::clone(error)),
            Self::Panicked => Self::Panicked,
            Self::Outdated => Self::Outdated,
            Self::Expired => Self::Expired,
            Self::Busy => Self::Busy,
            Self::NoRuntime => Self::NoRuntime,
        }
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load(_) => "load failed",
            Self::Panicked => "the loader panicked",
            Self::Outdated => "the loader returned an older version than one already seen",
            Self::Expired => "the value has expired and the source is unavailable",
            Self::Busy => "too many loads are queued",
            Self::NoRuntime => "no tokio runtime to run the load on",
        })
    }
}

impl<E: LoadError> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.load_error().map(|error| error as _)
    }
}

/// The error of [`Builder::build`](crate::Builder::build), with all problems of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    pub(crate) problems: Vec<BuildErrorKind>,
}

impl BuildError {
    /// Returns the problems, of which there is at least one.
    pub fn problems(&self) -> &[BuildErrorKind] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid cache settings")?;
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{} {problem}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

/// A problem of the settings of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// `max_bytes` is zero.
    NoBytes,
    /// `max_loads` is zero.
    NoLoads,
    /// `max_entries` is zero. Set the refresh interval to zero to disable caching.
    NoEntries,
}

impl fmt::Display for BuildErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBytes => "max_bytes is 0, must be at least 1",
            Self::NoLoads => "max_loads is 0, must be at least 1",
            Self::NoEntries => "max_entries is 0, must be at least 1",
        })
    }
}
