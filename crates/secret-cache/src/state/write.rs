//! Writes to the cache. A load that began before a write doesn't undo it.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use crate::loaded::Loaded;
use crate::map::entry::{Entry, Released};
use crate::policy::Tick;
use crate::state::State;
use crate::state::in_flight::PendingLoad;

/// The loads and entries that a write has displaced.
pub(crate) struct Displaced<K, V, F> {
    pub(crate) loads: Vec<F>,
    pub(crate) released: Released<K, V>,
    pub(crate) evicted: u64,
}

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    /// Removes a key and its load in flight.
    pub(crate) fn invalidate<Q>(&self, key: &Q, now: Tick) -> Displaced<K, V, F>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut inner = self.lock();
        inner.remove(&self.entries, key);
        inner.failures.remove(key);
        inner.forced.remove(key);
        inner.last_invalidated = Some(now);
        if let Some(watched) = inner.watched_key(key) {
            inner.schedule.add(now, watched);
        }
        let loads = inner.in_flight.remove(key).into_iter().collect();
        Displaced { loads, released: self.unlock(inner), evicted: 0 }
    }

    /// Inserts a written value unless the current one is newer, and removes the load in flight.
    /// Returns whether the value was accepted.
    pub(crate) fn replace(
        &self,
        key: K,
        loaded: Loaded<V>,
        now: Tick,
        jitter: u32,
    ) -> (bool, Displaced<K, V, F>) {
        let written = Arc::new(Entry::new(key, loaded, now, jitter));
        let key = &written.key;
        let mut inner = self.lock();
        let loads = inner.in_flight.remove(key).into_iter().collect();
        inner.forced.remove(key);
        self.remove_if_expired(&mut inner, key, now);
        let min_version = self.min_version(&inner, key);
        let accepted = min_version.is_none_or(|min| written.version.replaces(min));
        if accepted {
            let old = self.entries.find(key);
            if old.is_some_and(|old| old.get().is_some_and(|old| old.flags().is_accessed())) {
                written.mark_accessed();
            }
            self.insert(&mut inner, &written, now);
        }
        let evicted = std::mem::take(&mut inner.evicted);
        let displaced = Displaced { loads, released: self.unlock(inner), evicted };
        drop(written);
        (accepted, displaced)
    }

    /// Inserts a value that was read at `read_at`, unless the current one is as young or newer, or
    /// a key was invalidated since. Loads in flight continue, because they bring younger values.
    pub(crate) fn prime(
        &self,
        key: K,
        loaded: Loaded<V>,
        read_at: Tick,
        now: Tick,
        jitter: u32,
    ) -> (bool, Displaced<K, V, F>) {
        let primed = Arc::new(Entry::new(key, loaded, read_at, jitter));
        let mut inner = self.lock();
        let current = self.entries.find(&primed.key);
        let is_older =
            current.is_some_and(|current| current.get().is_some_and(|e| e.loaded_at >= read_at));
        let is_invalidated = inner.last_invalidated.is_some_and(|at| at >= read_at);
        let is_expired = now >= primed.expires_at(&self.policy());
        let min_version = self.min_version(&inner, &primed.key);
        let is_outdated = min_version.is_some_and(|min| !primed.version.replaces(min));
        let accepted = !(is_older || is_invalidated || is_expired || is_outdated);
        if accepted {
            self.insert(&mut inner, &primed, now);
        }
        let evicted = std::mem::take(&mut inner.evicted);
        let displaced = Displaced { loads: Vec::new(), released: self.unlock(inner), evicted };
        drop(primed);
        (accepted, displaced)
    }

    /// Removes all keys and loads in flight.
    pub(crate) fn clear(&self, now: Tick) -> Displaced<K, V, F> {
        let mut inner = self.lock();
        inner.clear(&self.entries);
        inner.last_invalidated = Some(now);
        let watched: Vec<_> = inner.watched().collect();
        for key in watched {
            inner.schedule.add(now, key);
        }
        let loads = inner.in_flight.take_all();
        Displaced { loads, released: self.unlock(inner), evicted: 0 }
    }
}
