//! The crate's errors: why there is no value, and why there is no cache.

use std::fmt;
use std::sync::Arc;

use crate::load::{LoadError, LoadErrorKind};
use crate::policy::MAX_NEGATIVE_TTL;

/// Why [`Cache::get`](crate::Cache::get) has no value to lend.
///
/// All callers that waited for one load share its error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error<E> {
    /// The load failed with this error, now or within the negative lifetime.
    Load(Arc<E>),
    /// The loader panicked, and there is no value that may be served instead.
    Panicked,
    /// The loader answered with an older version than one already seen, which itself is too old to
    /// be served.
    Outdated,
    /// The value's own [lifetime](crate::Loaded::expires_in) is over, and the source could not be
    /// asked since. Treat it as a value that is gone.
    Expired,
    /// As many loads wait for their turn as the builder's
    /// [`max_waiting_loads`](crate::Builder::max_waiting_loads) allows. The next call tries again.
    Busy,
    /// There is no Tokio runtime to load on: the caller doesn't run on one, or the one that ran the
    /// load has been shut down.
    NoRuntime,
}

impl<E: LoadError> Error<E> {
    /// What the error means: the loader's own judgement, else that the source could not be asked.
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
    /// The loader's error, if it gave one.
    pub fn load_error(&self) -> Option<&E> {
        match self {
            Self::Load(error) => Some(error),
            Self::Panicked | Self::Outdated | Self::Expired | Self::Busy | Self::NoRuntime => None,
        }
    }
}

/// Not derived: the loader's error is shared, it need not be `Clone`.
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
            Self::Load(_) => "the value could not be loaded",
            Self::Panicked => "the loader panicked",
            Self::Outdated => "the loader answered with an older version than one already seen",
            Self::Expired => "the value has expired, and the source could not be asked",
            Self::Busy => "too many loads wait for their turn",
            Self::NoRuntime => "no tokio runtime runs the load",
        })
    }
}

impl<E: LoadError> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.load_error().map(|error| error as _)
    }
}

/// Why a cache could not be built: all problems together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    pub(crate) problems: Vec<BuildErrorKind>,
}

impl BuildError {
    /// Everything that is wrong with the settings, at least one problem.
    pub fn problems(&self) -> &[BuildErrorKind] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cache's settings are wrong")?;
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{} {problem}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

/// One thing that is wrong with the settings of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// `max_bytes` is zero.
    NoBytes,
    /// `max_loads` is zero.
    NoLoads,
    /// `max_entries` is zero. Caching is turned off by a refresh interval of zero.
    NoEntries,
    /// `negative_ttl` is longer than [`MAX_NEGATIVE_TTL`].
    NegativeTtlTooLong,
}

impl fmt::Display for BuildErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBytes => f.write_str("max_bytes is 0, the least is 1"),
            Self::NoLoads => f.write_str("max_loads is 0, the least is 1"),
            Self::NoEntries => f.write_str("max_entries is 0, the least is 1"),
            Self::NegativeTtlTooLong => {
                write!(f, "negative_ttl is over {} s", MAX_NEGATIVE_TTL.as_secs())
            }
        }
    }
}
