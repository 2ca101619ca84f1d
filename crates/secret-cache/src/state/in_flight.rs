//! Loads in flight, as the state sees and tracks them.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use crate::map::sync::RandomState;
use crate::policy::Tick;
use crate::version::Version;

/// A load in flight, as the state sees it.
pub(crate) trait PendingLoad {
    /// What callers wait on. It identifies the load.
    type Waiter: PartialEq;

    fn waiter(&self) -> Self::Waiter;

    /// Returns whether it will never complete, because its runtime dropped it.
    fn is_lost(&self) -> bool;

    /// Returns whether it has been running for longer than readers of an older value wait.
    fn is_slow(&self, now: Tick) -> bool;
}

/// A load in flight, with what the state records about it.
pub(crate) struct TrackedLoad<F> {
    pub(crate) load: F,
    /// When it received its permit. It reads the source after that, and not before.
    pub(crate) began_at: Option<Tick>,
    /// Set if a forced refresh waits for it.
    pub(crate) forced: Option<Forced>,
}

/// The marker of a load for which a forced refresh waits.
#[derive(Clone, Copy)]
pub(crate) struct Forced {
    /// The version in memory at the time of the request.
    pub(crate) before: Option<Version>,
}

/// The loads that are queued or running, or were just lost. There is one per key.
pub(crate) struct LoadsInFlight<K, F>(HashMap<K, TrackedLoad<F>, RandomState>);

impl<K: Hash + Eq + Clone, F: PendingLoad> LoadsInFlight<K, F> {
    pub(crate) fn new() -> Self {
        Self(HashMap::default())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the keys of all loads that were not lost.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().filter(|(_, tracked)| !tracked.load.is_lost()).map(|(key, _)| key)
    }

    /// Returns the load of `key`, unless it was lost.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&TrackedLoad<F>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(key).filter(|tracked| !tracked.load.is_lost())
    }

    /// Like [`get`](Self::get), but to mark the load.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut TrackedLoad<F>> {
        self.0.get_mut(key).filter(|tracked| !tracked.load.is_lost())
    }

    /// Adds a load. Returns the one that it replaces, which was lost.
    pub(crate) fn insert(&mut self, key: K, load: F, forced: Option<Forced>) -> Option<F> {
        let tracked = TrackedLoad { load, began_at: None, forced };
        self.0.insert(key, tracked).map(|lost| lost.load)
    }

    /// Records that the load of this waiter begins, unless a write has ended it.
    pub(crate) fn begin(&mut self, key: &K, waiter: &F::Waiter, now: Tick) {
        if let Some(tracked) = self.0.get_mut(key)
            && tracked.load.waiter() == *waiter
        {
            tracked.began_at = Some(now);
        }
    }

    /// Removes the load of this waiter, unless a write has ended it.
    pub(crate) fn remove_if(&mut self, key: &K, waiter: &F::Waiter) -> Option<TrackedLoad<F>> {
        self.0.get(key).filter(|tracked| tracked.load.waiter() == *waiter)?;
        self.0.remove(key)
    }

    pub(crate) fn remove<Q>(&mut self, key: &Q) -> Option<F>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.remove(key).map(|tracked| tracked.load)
    }

    /// Removes all loads.
    pub(crate) fn take_all(&mut self) -> Vec<F> {
        std::mem::take(&mut self.0).into_values().map(|tracked| tracked.load).collect()
    }
}
