//! The settings of a cache, their defaults and their bounds.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::time::Duration;

use crate::policy::Policy;
use crate::{BuildError, Cache, Load, Problem};

/// The longest that a definite no may be remembered: 5 s. Who creates a value that was asked for
/// too early, or is given a right that was missing, waits no longer than this.
pub const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(5);

/// Settings of a [`Cache`], from [`Cache::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<K, L> {
    loader: L,
    refresh_interval: Duration,
    max_stale: Duration,
    negative_ttl: Duration,
    max_entries: usize,
    key: PhantomData<fn(&K)>,
}

impl<K, L> Builder<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    pub(crate) fn new(loader: L) -> Self {
        Self {
            loader,
            refresh_interval: Duration::from_secs(5 * 60),
            max_stale: Duration::from_secs(60 * 60),
            negative_ttl: MAX_NEGATIVE_TTL,
            max_entries: 10_000,
            key: PhantomData,
        }
    }

    /// The age from which a value is stale and is loaded again when it is asked for. Default 5 min.
    ///
    /// Zero turns caching off: nothing is kept, each call loads, or joins a load in flight.
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = interval;
        self
    }

    /// How long past the refresh interval a value may be served while the source can't be asked.
    /// Default 1 h; zero means never.
    pub fn max_stale(mut self, max_stale: Duration) -> Self {
        self.max_stale = max_stale;
        self
    }

    /// How long a definite no (absent, refused) is remembered. Default and most
    /// [`MAX_NEGATIVE_TTL`]; zero means not at all.
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = ttl;
        self
    }

    /// The most keys that are remembered, values and definite noes together. Default 10,000.
    pub fn max_entries(mut self, max_entries: usize) -> Self {
        self.max_entries = max_entries;
        self
    }

    /// The cache with these settings.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with all the settings that are out of their bounds.
    pub fn build(self) -> Result<Cache<K, L>, BuildError> {
        let no_entries = (self.max_entries == 0).then_some(Problem::NoEntries);
        let too_long =
            (self.negative_ttl > MAX_NEGATIVE_TTL).then_some(Problem::NegativeTtlTooLong);
        let problems: Vec<_> = no_entries.into_iter().chain(too_long).collect();
        if !problems.is_empty() {
            return Err(BuildError { problems });
        }
        let policy = Policy {
            refresh_interval: self.refresh_interval,
            max_stale: self.max_stale,
            negative_ttl: self.negative_ttl,
        };
        // A cache that is turned off is one that has no room.
        let capacity = if self.refresh_interval.is_zero() { 0 } else { self.max_entries };
        Ok(Cache::new(self.loader, policy, capacity))
    }
}

impl<K, L> fmt::Debug for Builder<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("refresh_interval", &self.refresh_interval)
            .field("max_stale", &self.max_stale)
            .field("negative_ttl", &self.negative_ttl)
            .field("max_entries", &self.max_entries)
            .finish_non_exhaustive()
    }
}
