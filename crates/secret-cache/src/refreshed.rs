//! The result of a forced refresh.

use std::fmt;

use crate::error::Error;
use crate::value_ref::Ref;
use crate::version::Version;

/// The result of [`Cache::refresh`](crate::Cache::refresh).
pub struct Refreshed<K, V, E> {
    /// The version in memory at the time of the call. `None` if there was no value.
    pub before: Option<Version>,
    /// The version after the refresh. `None` if there is no value.
    pub after: Option<Version>,
    /// The error of the load, or the reason why there was none. The old value stays in memory
    /// unless the response was negative.
    pub error: Option<Error<E>>,
    pub(crate) value: Option<Ref<K, V>>,
}

impl<K, V, E> Refreshed<K, V, E> {
    /// Returns the value like [`into_value`](Self::into_value), without counting it as read.
    pub fn value(&self) -> Option<&Ref<K, V>> {
        self.value.as_ref()
    }

    /// Returns the value, and counts it as read: the loaded one, or the one in memory if nothing
    /// was loaded and it may be served.
    ///
    /// `None` without an error means that [`Cache::get`](crate::Cache::get) has to load the value.
    pub fn into_value(self) -> Option<Ref<K, V>> {
        self.value.inspect(Ref::mark_accessed)
    }
}

/// Shows neither the key nor the value.
impl<K, V, E: fmt::Debug> fmt::Debug for Refreshed<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed")
            .field("before", &self.before)
            .field("after", &self.after)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
