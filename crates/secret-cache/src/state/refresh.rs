//! Forced refreshes: a caller requires a load that begins after its request.
//!
//! Such a load obeys every rule for loads: one per key at a time, and one probe a second for all
//! keys with a value while the source is unavailable. In addition, there is at most one forced load
//! per key and second.

use std::hash::Hash;

use crate::error::Error;
use crate::policy::{ForcedRecord, Freshness, Tick, is_recent};
use crate::refreshed::Refreshed;
use crate::state::State;
use crate::state::complete::LoadResult;
use crate::state::in_flight::{Forced, PendingLoad};
use crate::state::inner::Inner;
use crate::state::outcome::LoadReason;
use crate::value_ref::Ref;
use crate::version::Version;

/// A request for a forced refresh.
pub(crate) struct RefreshRequest<W> {
    /// The only version in memory for which there is a load; `None` for any, or no value.
    only_version: Option<u64>,
    /// The version in memory at the time of the request.
    forced: Option<Forced>,
    /// The last load that the caller has waited for. Any other one began after the request.
    waited_for: Option<W>,
}

/// What the caller of a forced refresh does next.
pub(crate) enum RefreshStep<K, V, E, W> {
    Done(Refreshed<K, V, E>),
    /// Wait for this load. Its result is that of the refresh.
    Join(W),
    /// Wait for this load, which began before the request or probes the source, and try again.
    WaitFor(W),
}

impl<W> RefreshRequest<W> {
    pub(crate) fn new(only_version: Option<u64>) -> Self {
        Self { only_version, forced: None, waited_for: None }
    }

    /// Records that the caller has waited for a load.
    pub(crate) fn has_waited_for(&mut self, waiter: W) {
        self.waited_for = Some(waiter);
    }

    /// Returns the version in memory at the time of the request.
    pub(crate) fn before(&self) -> Option<Version> {
        self.forced.and_then(|forced| forced.before)
    }

    /// Returns the result of a load that the caller has joined.
    pub(crate) fn completed<K, V, E>(&self, load: LoadResult<K, V, E>) -> Refreshed<K, V, E> {
        let (after, value) = (load.version(), load.result.ok());
        Refreshed { before: self.before(), after, error: load.failure, value }
    }
}

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    /// Finds or starts the load of a forced refresh, or finds its result.
    pub(crate) fn refresh(
        &self,
        key: &K,
        request: &mut RefreshRequest<F::Waiter>,
        now: Tick,
        spawn: impl FnOnce(LoadReason) -> Option<F>,
    ) -> RefreshStep<K, V, E, F::Waiter> {
        let mut inner = self.lock();
        self.remove_if_expired(&mut inner, key, now);
        let held = self.held_version(key);
        let forced = *request.forced.get_or_insert(Forced { before: held });
        let is_excluded = |only| held.is_none_or(|version| version.number() != only);
        let step = if request.only_version.is_some_and(is_excluded) {
            RefreshStep::Done(self.not_loaded(key, forced.before, None, now))
        } else if let Some(record) = inner.forced.get(key, now) {
            RefreshStep::Done(self.repeated(key, record, now))
        } else if let Some(step) = join_or_wait(&mut inner, key, request, now) {
            step
        } else {
            self.start_forced(&mut inner, key, forced, now, spawn)
        };
        drop(self.unlock(inner));
        step
    }

    /// Returns the version in memory. The caller holds the lock.
    fn held_version(&self, key: &K) -> Option<Version> {
        self.entries.find(key).and_then(|guard| guard.get().map(|entry| entry.version))
    }

    /// Returns the result of a refresh for which nothing was loaded.
    pub(crate) fn not_loaded(
        &self,
        key: &K,
        before: Option<Version>,
        error: Option<Error<E>>,
        now: Tick,
    ) -> Refreshed<K, V, E> {
        let value = self.value_in_memory(key, error.is_some(), now);
        Refreshed { before, after: self.held_version(key), error, value }
    }

    /// Returns the result of the last forced load again.
    fn repeated(&self, key: &K, record: &ForcedRecord<E>, now: Tick) -> Refreshed<K, V, E> {
        let ForcedRecord { before, after, error, .. } = record;
        let value = self.value_in_memory(key, error.is_some(), now);
        Refreshed { before: *before, after: *after, error: error.clone(), value }
    }

    /// Returns the value in memory if it may be served. Past its interval, it may be served only
    /// after a failure.
    fn value_in_memory(&self, key: &K, has_failed: bool, now: Tick) -> Option<Ref<K, V>> {
        let guard = self.entries.find(key)?;
        let is_stale = match guard.get()?.freshness(&self.policy(), now) {
            Freshness::Fresh | Freshness::Due => false,
            Freshness::Overdue if has_failed => true,
            Freshness::Overdue | Freshness::Expired => return None,
        };
        Some(Ref::cached(guard, is_stale))
    }

    /// Starts a forced load. There is none in flight.
    fn start_forced(
        &self,
        inner: &mut Inner<K, V, E, F>,
        key: &K,
        forced: Forced,
        now: Tick,
        spawn: impl FnOnce(LoadReason) -> Option<F>,
    ) -> RefreshStep<K, V, E, F::Waiter> {
        let failed =
            |error| RefreshStep::Done(self.not_loaded(key, forced.before, Some(error), now));
        let has_value = self.held_version(key).is_some();
        if has_value {
            if let Some(waiter) = inner.probe_in_flight(now) {
                return RefreshStep::WaitFor(waiter);
            }
            if let Some(error) = inner.outage_before_next_probe(now) {
                return failed(error);
            }
        } else if let Some(error) = inner.failures.get(key).and_then(|failure| {
            // A negative response may have changed since, which is why the caller is here.
            failure.error(now).filter(|_| !failure.is_negative)
        }) {
            return failed(error);
        }
        if !self.can_start_load(inner) {
            return failed(Error::Busy);
        }
        let reason = if has_value { inner.refresh_reason(key, now) } else { LoadReason::Miss };
        let Some(load) = spawn(reason) else { return failed(Error::NoRuntime) };
        let waiter = load.waiter();
        drop(inner.in_flight.insert(key.clone(), load, Some(forced)));
        RefreshStep::Join(waiter)
    }
}

/// Joins the load in flight if it began after the request, or has not begun yet, or is a forced one
/// that is recent.
fn join_or_wait<K, V, E, F>(
    inner: &mut Inner<K, V, E, F>,
    key: &K,
    request: &RefreshRequest<F::Waiter>,
    now: Tick,
) -> Option<RefreshStep<K, V, E, F::Waiter>>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    let tracked = inner.in_flight.get_mut(key)?;
    let waiter = tracked.load.waiter();
    let is_later = request.waited_for.as_ref().is_some_and(|earlier| *earlier != waiter);
    let is_joined = match tracked.began_at {
        None => true,
        Some(began_at) => is_later || (tracked.forced.is_some() && is_recent(began_at, now)),
    };
    if !is_joined {
        return Some(RefreshStep::WaitFor(waiter));
    }
    tracked.forced = tracked.forced.or(request.forced);
    Some(RefreshStep::Join(waiter))
}
