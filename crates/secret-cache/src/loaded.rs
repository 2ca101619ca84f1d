//! A value as a loader or a writer supplies it.

use std::fmt;
use std::time::Duration;

use crate::version::Version;

/// A value as it was loaded, with its version, lifetime and refresh interval.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Loaded<V> {
    pub(crate) value: V,
    pub(crate) version: Version,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) refresh_interval: Option<Duration>,
}

impl<V> Loaded<V> {
    /// Creates a value of a source without versions. A value that is loaded later counts as newer.
    pub fn new(value: V) -> Self {
        Self::versioned(value, Version::default())
    }

    /// Creates a value of a version. It never replaces a value that is newer by
    /// [`Version::replaces`].
    pub fn versioned(value: V, version: Version) -> Self {
        Self { value, version, lifetime: None, refresh_interval: None }
    }

    /// Sets a lifetime, counted from the start of the load or from the write. `None`, the default,
    /// means that the value ends with the time spans of the cache alone.
    ///
    /// When it is over, the next caller waits for a load, and receives
    /// [`Error::Expired`](crate::Error::Expired) if the source is unavailable. A value with a
    /// lifetime of zero is returned to the callers that wait for it and is not cached.
    ///
    /// The value is not refreshed before its end, because a source may name the same end each time.
    /// Set [`refresh_in`](Self::refresh_in) too if a load brings a value that ends later, such as a
    /// new token.
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

    /// Sets an interval of the value's own, counted from the start of the load or from the write,
    /// in whose last tenth it is refreshed in the background if it is in use. It has an effect if
    /// it is shorter than the intervals of the cache. `None` is the default.
    ///
    /// It is for sources that say for how long a value can be used, such as the `expires_in` of an
    /// OAuth token. It causes at most one load a second. The value stays fresh if the load fails.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use secret_cache::Loaded;
    ///
    /// # let (token, expires_in) = ("token", Duration::from_secs(3600));
    /// Loaded::new(token).refresh_in(expires_in * 9 / 10).expires_in(expires_in)
    /// # ;
    /// ```
    #[must_use]
    pub fn refresh_in(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.refresh_interval = interval.into();
        self
    }

    /// Returns the value.
    pub const fn value(&self) -> &V {
        &self.value
    }

    /// Returns the value alone.
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

    /// Returns the value's own refresh interval, if one is [set](Self::refresh_in).
    pub const fn refresh_interval(&self) -> Option<Duration> {
        self.refresh_interval
    }

    /// Returns the result of `convert` for the value, with the same version, lifetime and
    /// refresh interval.
    #[must_use]
    pub fn map<W>(self, convert: impl FnOnce(V) -> W) -> Loaded<W> {
        let Self { value, version, lifetime, refresh_interval } = self;
        Loaded { value: convert(value), version, lifetime, refresh_interval }
    }
}

/// Doesn't show the value.
impl<V> fmt::Debug for Loaded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("version", &self.version)
            .field("lifetime", &self.lifetime)
            .field("refresh_interval", &self.refresh_interval)
            .finish_non_exhaustive()
    }
}
