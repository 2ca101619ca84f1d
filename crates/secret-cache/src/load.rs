//! The trait that a user of the cache implements to load values.

use std::convert::Infallible;
use std::time::Duration;

use crate::version::Version;

/// A loader of values from their source.
///
/// The cache runs at most one load per key at a time, on a task of its own, however many callers
/// wait for it and whether or not they continue to wait. The cache sets no deadline, and callers
/// may wait for as long as the load takes, so an implementation should have one. The future is
/// dropped at an await point when the cache is dropped or the key is written in the meantime.
///
/// # Panics
///
/// A load that panics has the same effect as [`LoadErrorKind::Unavailable`]. Callers without a
/// value receive [`Error::Panicked`](crate::Error::Panicked).
pub trait Load<K>: Send + Sync + 'static {
    /// The type of the cached values. A value is never cloned, and is dropped with its last
    /// [`Ref`](crate::Ref).
    type Value: Send + Sync + 'static;

    /// The error of a failed load, which all callers that waited for it share.
    type Error: LoadError;

    /// Loads the value of `key`, which is not in memory.
    ///
    /// The future is created when the load is requested, and polled once there is a permit for it.
    /// A deadline that is set before the future is returned therefore includes the wait for one of
    /// the [`max_loads`](crate::Builder::max_loads) permits.
    ///
    /// # Errors
    ///
    /// Any error of the source. [`LoadError::kind`] determines its effect on the cache.
    fn load(
        &self,
        key: &K,
    ) -> impl Future<Output = Result<Loaded<Self::Value>, Self::Error>> + Send;

    /// Loads the value of `key`, which is in memory, again. Calls [`load`](Self::load) by default.
    ///
    /// Callers don't wait for it for more than a second, because there is an older value. The cache
    /// retries failed refreshes itself, and limits them to one a second for all keys while the
    /// source is unavailable. An implementation should therefore try once where `load` retries.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    fn refresh(
        &self,
        key: &K,
    ) -> impl Future<Output = Result<Loaded<Self::Value>, Self::Error>> + Send {
        self.load(key)
    }

    /// Returns whether values may currently be loaded at the
    /// [`poll_interval`](crate::Builder::poll_interval), which is the default. Otherwise they are
    /// loaded at the refresh interval alone.
    ///
    /// This is for sources that can't be called at will. It is called before and after each load in
    /// the background, so it should neither block nor take long.
    fn may_poll(&self) -> bool {
        true
    }
}

/// An error of a [`Load`], which determines its effect on the cache.
pub trait LoadError: std::error::Error + Send + Sync + 'static {
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
///
/// The enum is exhaustive: a `match` needs no wildcard.
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

/// A value as it was loaded, with its version and lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded<V> {
    pub(crate) value: V,
    pub(crate) version: Version,
    pub(crate) lifetime: Option<Duration>,
}

impl<V> Loaded<V> {
    /// Creates a value of a source without versions. A value that is loaded later counts as newer.
    pub fn new(value: V) -> Self {
        Self::versioned(value, Version::default())
    }

    /// Creates a value of a version. It never replaces a value that is newer by
    /// [`Version::replaces`].
    pub fn versioned(value: V, version: Version) -> Self {
        Self { value, version, lifetime: None }
    }

    /// Sets a lifetime, counted from the start of the load or from the write.
    ///
    /// When it is over, the next caller waits for a load, and receives
    /// [`Error::Expired`](crate::Error::Expired) if the source is unavailable. A value with a
    /// lifetime of zero is returned to the callers that wait for it and is not cached.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}
