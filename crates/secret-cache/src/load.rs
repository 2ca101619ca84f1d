//! The trait that a user of the cache implements to load values.

use crate::load_error::LoadError;
use crate::loaded::Loaded;

/// A loader of values from their source. [`load_fn`](crate::load_fn) makes one from a closure.
///
/// The cache runs at most one load per key at a time, on a task of its own, however many callers
/// wait for it and whether or not they continue to wait. The cache sets no deadline, and callers
/// may wait for as long as the load takes, so an implementation should have one. The future is
/// dropped at an await point when the cache is dropped or the key is written in the meantime.
///
/// # Panics
///
/// A load that panics has the same effect as [`LoadErrorKind::Unavailable`](crate::LoadErrorKind::Unavailable). Callers without a
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
