//! The settings of a cache, with their defaults and limits.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::error::{BuildError, BuildErrorKind};
use crate::load::Load;
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::shared::Shared;
use crate::state::State;
use crate::state::inner::Limits;

impl<K, L> Cache<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    /// Returns a builder for a cache of the values that `loader` loads.
    pub fn builder(loader: L) -> Builder<K, L> {
        Builder::new(loader)
    }
}

/// A builder of a [`Cache`], from [`Cache::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<K, L: Load<K>> {
    loader: L,
    name: Arc<str>,
    refresh_interval: Duration,
    poll_interval: Duration,
    max_stale: Duration,
    negative_ttl: Duration,
    limits: Limits<K, L::Value>,
    max_loads: usize,
    max_waiting_loads: usize,
    key: PhantomData<fn(&K)>,
}

impl<K, L> Builder<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    fn new(loader: L) -> Self {
        Self {
            loader,
            name: "default".into(),
            refresh_interval: Duration::from_secs(5 * 60),
            poll_interval: Duration::ZERO,
            max_stale: Duration::from_secs(60 * 60),
            negative_ttl: Duration::from_secs(5),
            limits: Limits { entries: 10_000, bytes: usize::MAX, weigh: |_, _| 0 },
            max_loads: 64,
            max_waiting_loads: 16_384,
            key: PhantomData,
        }
    }

    /// Sets the name of the cache in its metrics, which should differ for each cache of a process.
    /// The default is `default`.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the age from which on a value is only served after a refresh, unless the source is
    /// unavailable. A value in use is refreshed before, in the last tenth of the interval. The
    /// default is 5 min.
    ///
    /// Zero disables caching: each call loads the value or joins a load in flight.
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = interval;
        self
    }

    /// Sets the age by which a value in use is loaded again to notice a change, if that is before
    /// the end of the refresh interval. It is in use if it was read since it was loaded, or if a
    /// caller awaits changes. It stays fresh if the load fails. Zero, the default, disables this.
    ///
    /// The load begins in the last tenth of the interval, so a key causes at most one load in nine
    /// tenths of it. [`Load::may_poll`] can disable polling at any time.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets how long past the refresh interval a value may be served while the source is
    /// unavailable. The default is 1 h. Zero disables this.
    pub fn max_stale(mut self, max_stale: Duration) -> Self {
        self.max_stale = max_stale;
        self
    }

    /// Sets how long a negative response (not found, denied) is cached. The default is 5 s. Zero
    /// disables this.
    ///
    /// A value that is created at the source in the meantime, or a permission that is granted, is
    /// noticed when this time is over, or by a [`refresh`](Cache::refresh).
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = ttl;
        self
    }

    /// Sets the maximum number of keys that are remembered, which are values and failed loads
    /// together. The default is 10,000.
    pub fn max_entries(mut self, max_entries: usize) -> Self {
        self.limits.entries = max_entries;
        self
    }

    /// Sets the maximum total size of the values, in the unit of `weigh`. There is no limit by
    /// default.
    ///
    /// A value that exceeds the limit on its own is returned to those that wait for it and is not
    /// cached. `weigh` must always return the same weight for an entry, and is called under a lock.
    pub fn max_bytes(mut self, max_bytes: usize, weigh: fn(&K, &L::Value) -> usize) -> Self {
        (self.limits.bytes, self.limits.weigh) = (max_bytes, weigh);
        self
    }

    /// Sets the maximum number of concurrent loads of all keys. The default is 64.
    pub fn max_loads(mut self, max_loads: usize) -> Self {
        self.max_loads = max_loads;
        self
    }

    /// Sets the maximum number of queued loads. A call that would exceed it fails with
    /// [`Error::Busy`](crate::Error::Busy). The default is 16,384.
    pub fn max_waiting_loads(mut self, max_waiting_loads: usize) -> Self {
        self.max_waiting_loads = max_waiting_loads;
        self
    }

    /// Builds the cache.
    ///
    /// # Errors
    ///
    /// Returns a [`BuildError`] with all settings that are out of range.
    pub fn build(self) -> Result<Cache<K, L>, BuildError> {
        let problems: Vec<_> = [
            (self.max_loads == 0).then_some(BuildErrorKind::NoLoads),
            (self.limits.bytes == 0).then_some(BuildErrorKind::NoBytes),
            (self.limits.entries == 0).then_some(BuildErrorKind::NoEntries),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !problems.is_empty() {
            return Err(BuildError { problems });
        }
        let policy = Policy::new(self.refresh_interval, self.max_stale, self.negative_ttl)
            .with_poll_interval(self.poll_interval);
        let max_in_flight = self.max_loads.saturating_add(self.max_waiting_loads);
        let state = State::new(policy, self.limits, max_in_flight);
        let metrics = Metrics::new(self.name, Arc::clone(&state.wake));
        Ok(Cache::new(Shared::new(state, self.loader, self.max_loads, metrics)))
    }
}

impl<K, L: Load<K>> fmt::Debug for Builder<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("refresh_interval", &self.refresh_interval)
            .field("poll_interval", &self.poll_interval)
            .field("max_stale", &self.max_stale)
            .field("negative_ttl", &self.negative_ttl)
            .field("max_entries", &self.limits.entries)
            .field("max_bytes", &self.limits.bytes)
            .field("max_loads", &self.max_loads)
            .field("max_waiting_loads", &self.max_waiting_loads)
            .finish_non_exhaustive()
    }
}
