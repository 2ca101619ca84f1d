//! A value as a loader or a writer supplies it.

use std::fmt;
use std::time::Duration;

use crate::version::Version;

/// A value as it was loaded, with its version and lifetime.
#[derive(Clone, Copy, PartialEq, Eq)]
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

    /// Sets a lifetime, counted from the start of the load or from the write. `None`, the default,
    /// means that the value ends with the time spans of the cache alone.
    ///
    /// When it is over, the next caller waits for a load, and receives
    /// [`Error::Expired`](crate::Error::Expired) if the source is unavailable. A value with a
    /// lifetime of zero is returned to the callers that wait for it and is not cached.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use secret_cache::Loaded;
    ///
    /// let hour = Duration::from_secs(3600);
    /// assert_eq!(Loaded::new("token").expires_in(hour).lifetime(), Some(hour));
    /// assert_eq!(Loaded::new("token").expires_in(None).lifetime(), None);
    /// ```
    #[must_use]
    pub fn expires_in(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.lifetime = lifetime.into();
        self
    }

    /// Returns the value.
    pub const fn value(&self) -> &V {
        &self.value
    }

    /// Returns the value without its version and lifetime.
    pub fn into_value(self) -> V {
        self.value
    }

    /// Returns the version. It is the default one for a source without versions.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the lifetime, if one is [set](Self::expires_in).
    pub const fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Returns the result of `convert` for the value, with the same version and lifetime.
    #[must_use]
    pub fn map<W>(self, convert: impl FnOnce(V) -> W) -> Loaded<W> {
        let Self { value, version, lifetime } = self;
        Loaded { value: convert(value), version, lifetime }
    }
}

/// Doesn't show the value.
impl<V> fmt::Debug for Loaded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("version", &self.version)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
