//! The state of a cache, and the operations on it. Readers need no lock for entries; everything
//! else is behind one lock.
//!
//! An operation takes the lock once and never awaits while it holds it. The only foreign code under
//! the lock is `Hash`, `Eq`, `Clone`, `Borrow` and `ToOwned` of the key, and the weighing of entries.
//! Operations know neither tasks nor timers: they return what is to be loaded or awaited, and
//! [`Shared`](crate::shared::Shared) does it.

pub(crate) mod complete;
mod forced;
pub(crate) mod in_flight;
pub(crate) mod inner;
#[cfg(test)]
mod interleavings;
mod maintenance;
pub(crate) mod outcome;
pub(crate) mod refresh;
mod scan;
mod schedule;
pub(crate) mod slot;
mod status;
pub(crate) mod write;

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;

use crate::error::Error;
use crate::map::ConcurrentMap;
use crate::map::clock;
use crate::map::entry::{Entry, Released};
use crate::map::sync::{Guard, Mutex, MutexGuard};
use crate::policy::{Freshness, Policy, Tick};
use crate::state::in_flight::PendingLoad;
use crate::state::inner::{Inner, Limits};
use crate::state::outcome::LoadReason;
use crate::state::slot::Slot;
use crate::value_ref::Ref;
use crate::version::Version;

/// The result of a read.
pub(crate) type ReadResult<K, V, E> = Result<Ref<K, V>, Error<E>>;

/// What a caller does next after a miss.
pub(crate) enum Step<K, V, E, W> {
    Done(ReadResult<K, V, E>),
    /// Wait for this load.
    Wait(W, Patience),
}

/// How long a caller waits for a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until the load ends.
    UntilEnd,
    /// Until the load ends or is slow, because there is an older value.
    UntilSlow,
}

/// Whether an entry may be served.
pub(crate) enum Availability<K, V> {
    Servable {
        value: Ref<K, V>,
        start_refresh: bool,
    },
    /// The entry is past its refresh interval.
    Overdue {
        guard: Guard<Entry<K, V>>,
        is_first_access: bool,
    },
    Missing,
}

/// The state of a cache.
pub(crate) struct State<K, V, E, F> {
    pub(crate) entries: ConcurrentMap<K, V>,
    inner: Mutex<Inner<K, V, E, F>>,
    policy: Policy,
    /// Whether the loader allows polling.
    may_poll: AtomicBool,
    /// Wakes the refresher.
    pub(crate) wake: Arc<Notify>,
    /// The maximum number of loads that are running or queued.
    max_in_flight: usize,
}

/// The locked part of the state.
pub(crate) type Locked<'s, K, V, E, F> = MutexGuard<'s, Inner<K, V, E, F>>;

impl<K, V, E, F> State<K, V, E, F> {
    /// Returns the current policy.
    pub(crate) fn policy(&self) -> Policy {
        if self.may_poll.load(Relaxed) { self.policy } else { self.policy.without_polling() }
    }
}

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    pub(crate) fn new(policy: Policy, limits: Limits<K, V>, max_in_flight: usize) -> Self {
        let (entries, inner) = (ConcurrentMap::new(limits.entries), Mutex::new(Inner::new(limits)));
        let (wake, may_poll) = (Arc::new(Notify::new()), AtomicBool::new(true));
        Self { entries, inner, policy, may_poll, wake, max_in_flight }
    }

    /// Sets whether the loader allows polling. All entries are scanned after a change, because they
    /// come due at other times.
    pub(crate) fn set_may_poll(&self, may_poll: bool) {
        if self.may_poll.swap(may_poll, Relaxed) != may_poll {
            let mut inner = self.lock();
            inner.schedule.scan_by(0);
            drop(self.unlock(inner));
        }
    }

    /// Locks the state. Poisoning is ignored, because a panic in the `Hash` or `Eq` of a key leaves
    /// a usable state.
    pub(crate) fn lock(&self) -> Locked<'_, K, V, E, F> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends an operation: unlocks the state, wakes the refresher if it would be late for what the
    /// operation scheduled, and returns the entries that the caller must drop.
    pub(crate) fn unlock(&self, mut inner: Locked<'_, K, V, E, F>) -> Released<K, V> {
        let released = std::mem::take(&mut inner.released);
        let needs_earlier_wakeup = inner.schedule.needs_earlier_wakeup();
        drop(inner);
        if needs_earlier_wakeup {
            self.wake.notify_one();
        }
        released
    }

    /// Returns whether an entry that was found may be served. Reads the clock only if its flags
    /// require it.
    pub(crate) fn check(&self, found: Option<Guard<Entry<K, V>>>) -> Availability<K, V> {
        let Some(guard) = found else { return Availability::Missing };
        let Some(entry) = guard.get() else { return Availability::Missing };
        let flags = entry.mark_accessed();
        let is_first_access = !flags.is_accessed();
        let freshness = if flags.must_check_clock() {
            entry.freshness(&self.policy(), clock::now())
        } else {
            Freshness::Fresh
        };
        let start_refresh = match freshness {
            Freshness::Fresh => false,
            Freshness::Due => is_first_access,
            Freshness::Overdue => return Availability::Overdue { guard, is_first_access },
            Freshness::Expired => return Availability::Missing,
        };
        Availability::Servable { value: Ref::cached(guard, false), start_refresh }
    }

    /// Schedules the refresh of a key, for a reader that can't start it.
    pub(crate) fn schedule_refresh(&self, key: &K, now: Tick) {
        let mut inner = self.lock();
        inner.schedule.add(now, key.clone());
        drop(self.unlock(inner));
    }

    /// Returns whether a value of `key` that is past its refresh interval is served as it is,
    /// because the source is unavailable.
    pub(crate) fn is_stale(&self, key: &K, now: Tick) -> bool {
        is_unavailable(&mut self.lock(), key, now)
    }

    /// Serves the key from memory, joins its load in flight, or starts one.
    pub(crate) fn get_or_load<Q>(
        &self,
        key: &Q,
        now: Tick,
        spawn: impl FnOnce(LoadReason) -> Option<F>,
    ) -> Step<K, V, E, F::Waiter>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut inner = self.lock();
        let Some((old, freshness)) = self.servable(key, now) else {
            if let Some(error) = inner.failures.get(key).and_then(|failure| failure.error(now)) {
                return Step::Done(Err(error));
            }
            return match self.join_or_start(inner, key, || spawn(LoadReason::Miss)) {
                Ok(waiter) => Step::Wait(waiter, Patience::UntilEnd),
                Err(error) => Step::Done(Err(error)),
            };
        };
        if freshness != Freshness::Overdue {
            if freshness == Freshness::Due {
                inner.schedule.add(now, key.to_owned());
            }
            drop(self.unlock(inner));
            return Step::Done(Ok(Ref::cached(old, false)));
        }
        if is_unavailable(&mut inner, key, now) {
            return Step::Done(Ok(Ref::cached(old, true)));
        }
        match self.join_or_start(inner, key, || spawn(LoadReason::Refresh)) {
            Ok(waiter) => Step::Wait(waiter, Patience::UntilSlow),
            // No load can be started, and the old value is better than an error.
            Err(_) => Step::Done(Ok(Ref::cached(old, true))),
        }
    }

    /// Joins the load in flight or starts one.
    fn join_or_start<Q>(
        &self,
        mut inner: Locked<'_, K, V, E, F>,
        key: &Q,
        spawn: impl FnOnce() -> Option<F>,
    ) -> Result<F::Waiter, Error<E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(tracked) = inner.in_flight.get(key) {
            return Ok(tracked.load.waiter());
        }
        if !self.can_start_load(&inner) {
            return Err(Error::Busy);
        }
        let load = spawn().ok_or(Error::NoRuntime)?;
        let waiter = load.waiter();
        let lost = inner.in_flight.insert(key.to_owned(), load, None);
        drop(inner);
        drop(lost);
        Ok(waiter)
    }

    /// Returns the entry of `key` unless it has expired. The caller holds the lock, so that no
    /// entry is missed.
    fn servable<Q>(&self, key: &Q, now: Tick) -> Option<(Guard<Entry<K, V>>, Freshness)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let guard = self.entries.find(key)?;
        let entry = guard.get()?;
        entry.mark_accessed();
        match entry.freshness(&self.policy(), now) {
            Freshness::Expired => None,
            freshness => Some((guard, freshness)),
        }
    }

    /// Returns the lowest version that may be inserted: that of the current value, or of the last
    /// one if that has expired.
    pub(crate) fn min_version(&self, inner: &Inner<K, V, E, F>, key: &K) -> Option<Version> {
        let current = self.entries.find(key).and_then(|guard| guard.get().map(|e| e.version));
        current.or_else(|| inner.failures.get(key)?.min_version)
    }

    /// Returns whether the limit on loads in flight allows another one.
    pub(crate) fn can_start_load(&self, inner: &Inner<K, V, E, F>) -> bool {
        inner.in_flight.len() < self.max_in_flight
    }

    /// Returns the keys with an entry.
    pub(crate) fn keys(&self) -> Vec<K> {
        let inner = self.lock();
        let mut keys = Vec::with_capacity(inner.writer.len);
        self.entries.for_each(&inner.writer, |entry| keys.push(entry.key.clone()));
        keys
    }

    /// Returns the slot of `key`, which all its handles share.
    pub(crate) fn slot(&self, key: &K) -> Arc<Slot<K, V>> {
        let mut inner = self.lock();
        if let Some(slot) = inner.slot(key) {
            return slot;
        }
        let entry = self.entries.find(key).and_then(|guard| guard.get().map(Arc::clone));
        let slot = Arc::new(Slot::new(entry));
        inner.add_slot(key.clone(), &slot);
        slot
    }
}

/// Returns whether readers don't wait for `key`: the source is known to be unavailable, the last
/// refresh of the key has just failed, or its load in flight is slow.
fn is_unavailable<K, V, E, F, Q>(inner: &mut Inner<K, V, E, F>, key: &Q, now: Tick) -> bool
where
    K: Hash + Eq + Clone + Borrow<Q>,
    F: PendingLoad,
    Q: Hash + Eq + ?Sized,
{
    inner.outage(now).is_some()
        || inner.refresh_failures.get(key).is_some_and(|failure| now < failure.retry_at)
        || inner.in_flight.get(key).is_some_and(|tracked| tracked.load.is_slow(now))
}
