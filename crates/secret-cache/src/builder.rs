//! The settings of a cache, their defaults and their bounds.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::error::{BuildError, BuildErrorKind};
use crate::load::Load;
use crate::metrics::Events;
use crate::policy::MAX_NEGATIVE_TTL;
use crate::policy::Policy;
use crate::shared::Shared;
use crate::state::State;
use crate::state::inner::Bounds;

impl<K, L> Cache<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    /// Settings for a cache of what `loader` loads.
    pub fn builder(loader: L) -> Builder<K, L> {
        Builder::new(loader)
    }
}

/// Settings of a [`Cache`], from [`Cache::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<K, L: Load<K>> {
    loader: L,
    name: &'static str,
    refresh_interval: Duration,
    max_stale: Duration,
    negative_ttl: Duration,
    bounds: Bounds<K, L::Value>,
    max_loads: usize,
    max_waiting_loads: usize,
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
            name: "default",
            refresh_interval: Duration::from_secs(5 * 60),
            max_stale: Duration::from_secs(60 * 60),
            negative_ttl: MAX_NEGATIVE_TTL,
            bounds: Bounds { entries: 10_000, bytes: usize::MAX, weigh: |_, _| 0 },
            max_loads: 64,
            max_waiting_loads: 16_384,
            key: PhantomData,
        }
    }

    /// The cache's name in its metrics. Default `default`.
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The age from which a value is not served before it was refreshed, unless the source doesn't
    /// answer. One in use is refreshed before, in the last tenth of it. Default 5 min.
    ///
    /// Zero turns caching off: nothing is kept, each call loads, or joins a load in flight.
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = interval;
        self
    }

    /// How long past the refresh interval a value may be served while the source doesn't answer.
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

    /// The most keys that are remembered, values and failed loads together. Default 10,000.
    pub fn max_entries(mut self, max_entries: usize) -> Self {
        self.bounds.entries = max_entries;
        self
    }

    /// The most bytes that values may come to, as `weigh` counts them. Default: no such bound.
    ///
    /// A value that alone is heavier is lent to those that wait for it, and not held. `weigh` must
    /// say the same of an entry each time, and is called under a lock.
    pub fn max_bytes(mut self, max_bytes: usize, weigh: fn(&K, &L::Value) -> usize) -> Self {
        (self.bounds.bytes, self.bounds.weigh) = (max_bytes, weigh);
        self
    }

    /// The most loads that run at a time, over all keys. Default 64.
    pub fn max_loads(mut self, max_loads: usize) -> Self {
        self.max_loads = max_loads;
        self
    }

    /// The most loads that wait for their turn; who asks for one more gets
    /// [`Error::Busy`](crate::Error::Busy). Default 16,384.
    pub fn max_waiting_loads(mut self, max_waiting_loads: usize) -> Self {
        self.max_waiting_loads = max_waiting_loads;
        self
    }

    /// The cache with these settings.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with all the settings that are out of their bounds.
    pub fn build(self) -> Result<Cache<K, L>, BuildError> {
        let problems: Vec<_> = [
            (self.max_loads == 0).then_some(BuildErrorKind::NoLoads),
            (self.bounds.bytes == 0).then_some(BuildErrorKind::NoBytes),
            (self.bounds.entries == 0).then_some(BuildErrorKind::NoEntries),
            (self.negative_ttl > MAX_NEGATIVE_TTL).then_some(BuildErrorKind::NegativeTtlTooLong),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !problems.is_empty() {
            return Err(BuildError { problems });
        }
        let policy = Policy::new(self.refresh_interval, self.max_stale, self.negative_ttl);
        let most_flights = self.max_loads.saturating_add(self.max_waiting_loads);
        let state = State::new(policy, self.bounds, most_flights);
        let events = Events::new(self.name, Arc::clone(&state.wake));
        Ok(Cache::new(Shared::new(state, self.loader, self.max_loads, events)))
    }
}

impl<K, L: Load<K>> fmt::Debug for Builder<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("refresh_interval", &self.refresh_interval)
            .field("max_stale", &self.max_stale)
            .field("negative_ttl", &self.negative_ttl)
            .field("max_entries", &self.bounds.entries)
            .field("max_bytes", &self.bounds.bytes)
            .field("max_loads", &self.max_loads)
            .field("max_waiting_loads", &self.max_waiting_loads)
            .finish_non_exhaustive()
    }
}
