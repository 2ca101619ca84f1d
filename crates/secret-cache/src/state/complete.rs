//! The completion of a load: its effect on the key, and the result for its waiters.

use std::hash::Hash;
use std::sync::Arc;

use crate::error::Error;
use crate::load_error::LoadErrorKind;
use crate::map::entry::{Entry, Released};
use crate::policy::{FailureRecord, ForcedRecord, Freshness, RETRY_DELAY, Tick};
use crate::state::in_flight::{Forced, PendingLoad, TrackedLoad};
use crate::state::inner::Inner;
use crate::state::outcome::{LoadOutcome, LoadReason};
use crate::state::{ReadResult, State};
use crate::value_ref::Ref;
use crate::version::Version;

/// Whether a failure is recorded for its key. A loader that isn't logged in says nothing about the
/// key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Record {
    Yes,
    No,
}

/// What the callers that waited for a load receive.
pub(crate) struct LoadResult<K, V, E> {
    /// The result of a read: the loaded value, or the old one if the load failed and it may be
    /// served.
    pub(crate) result: ReadResult<K, V, E>,
    /// The error of the load, also if there is an old value.
    pub(crate) failure: Option<Error<E>>,
}

impl<K, V, E> LoadResult<K, V, E> {
    fn failed(result: ReadResult<K, V, E>, failure: Error<E>) -> Self {
        Self { result, failure: Some(failure) }
    }

    /// Returns the same result for another caller that waited for the load.
    pub(crate) fn share(&self) -> Self {
        let result = match &self.result {
            Ok(value) => Ok(value.share()),
            Err(error) => Err(error.clone()),
        };
        Self { result, failure: self.failure.clone() }
    }

    /// Returns the version of the value, if there is one.
    pub(crate) fn version(&self) -> Option<Version> {
        self.result.as_ref().ok().map(Ref::version)
    }
}

/// A load whose outcome has been applied.
pub(crate) struct Completed<K, V, E, F> {
    pub(crate) result: LoadResult<K, V, E>,
    pub(crate) load: F,
    pub(crate) released: Released<K, V>,
    pub(crate) evicted: u64,
}

/// The outcome of a load with its circumstances.
pub(crate) struct Completion<V, E> {
    pub(crate) outcome: LoadOutcome<V, E>,
    pub(crate) reason: LoadReason,
    pub(crate) loaded_at: Tick,
    pub(crate) now: Tick,
    pub(crate) jitter: u32,
}

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    /// Applies the outcome of a load. Returns `None` if a write of the key has ended the load
    /// before.
    pub(crate) fn complete(
        &self,
        key: &K,
        waiter: &F::Waiter,
        completion: Completion<V, E>,
    ) -> Option<Completed<K, V, E, F>> {
        let mut inner = self.lock();
        let TrackedLoad { load, forced, .. } = inner.in_flight.remove_if(key, waiter)?;
        let (began_at, now) = (completion.loaded_at, completion.now);
        let result = self.apply(&mut inner, key, completion);
        if let Some(Forced { before }) = forced {
            let (after, error) = (result.version(), result.failure.clone());
            let record = ForcedRecord { began_at, before, after, error };
            inner.forced.insert(key.clone(), record, now);
        }
        let evicted = std::mem::take(&mut inner.evicted);
        Some(Completed { result, load, released: self.unlock(inner), evicted })
    }

    fn apply(
        &self,
        inner: &mut Inner<K, V, E, F>,
        key: &K,
        completion: Completion<V, E>,
    ) -> LoadResult<K, V, E> {
        let Completion { outcome, reason, loaded_at, now, jitter } = completion;
        match outcome {
            LoadOutcome::Loaded(loaded) => {
                inner.source_responded();
                let min_version = self.min_version(inner, key);
                if min_version.is_some_and(|min| !loaded.version.replaces(min)) {
                    return self.apply_failure(inner, key, Error::Outdated, Record::Yes, now);
                }
                let entry = Arc::new(Entry::new(key.clone(), loaded, loaded_at, jitter));
                if reason == LoadReason::Miss {
                    entry.mark_accessed();
                }
                self.insert(inner, &entry, now);
                LoadResult { result: Ok(Ref::loaded(entry)), failure: None }
            }
            LoadOutcome::Failed(error, LoadErrorKind::NotFound | LoadErrorKind::Denied) => {
                inner.source_responded();
                let error = Error::Load(error);
                if inner.is_watched(key) {
                    self.schedule_reload(inner, key, now, jitter);
                }
                self.apply_negative(inner, key, error.clone(), loaded_at, now);
                LoadResult::failed(Err(error.clone()), error)
            }
            LoadOutcome::Failed(
                error,
                kind @ (LoadErrorKind::Unavailable | LoadErrorKind::Unauthenticated),
            ) => {
                // The failure of a miss doesn't prove an outage, because the caller may have chosen
                // a key for which no source is responsible.
                let error = Error::Load(error);
                if reason != LoadReason::Miss {
                    inner.source_failed(error.clone(), now);
                }
                let record = match kind {
                    LoadErrorKind::Unauthenticated => Record::No,
                    _ => Record::Yes,
                };
                self.apply_failure(inner, key, error, record, now)
            }
            LoadOutcome::Panicked => {
                self.apply_failure(inner, key, Error::Panicked, Record::Yes, now)
            }
        }
    }

    /// Inserts an entry, unless caching is disabled or the value's own lifetime is over.
    pub(crate) fn insert(
        &self,
        inner: &mut Inner<K, V, E, F>,
        entry: &Arc<Entry<K, V>>,
        now: Tick,
    ) {
        let policy = self.policy();
        if policy.is_disabled() {
            return;
        }
        if entry.lifetime_end <= now {
            return self.end_lifetime(inner, entry, now);
        }
        let check_clock_from = entry.check_clock_from(&policy);
        entry
            .set_check_clock(!inner.hits_skip_clock || entry.is_timed() || check_clock_from <= now);
        inner.schedule.scan_by(check_clock_from);
        if entry.is_timed() {
            let at = entry.own_event().min(entry.expires_at(&policy));
            inner.schedule.add(at, entry.key.clone());
        }
        inner.insert(&self.entries, entry);
    }

    /// Records a value whose own lifetime is over already.
    fn end_lifetime(&self, inner: &mut Inner<K, V, E, F>, entry: &Entry<K, V>, now: Tick) {
        let (key, version) = (&entry.key, entry.version);
        inner.remove(&self.entries, key);
        if let Some(slot) = inner.slot(key) {
            slot.announce(version);
            if slot.is_watched() {
                self.schedule_reload(inner, key, now, entry.jitter);
            }
        }
        inner.record_failure(&self.entries, key, FailureRecord::lifetime_over(version));
    }

    /// Applies a negative response of the source: the value is no longer served.
    fn apply_negative(
        &self,
        inner: &mut Inner<K, V, E, F>,
        key: &K,
        error: Error<E>,
        loaded_at: Tick,
        now: Tick,
    ) {
        inner.remove(&self.entries, key);
        inner.failures.remove(key);
        if let Some(slot) = inner.slot(key) {
            let old = slot.clear_and_announce();
            inner.released.extend(old);
        }
        let policy = self.policy();
        let retry_at = loaded_at.saturating_add(policy.negative_ttl);
        if now < retry_at && !policy.is_disabled() {
            inner.record_failure(&self.entries, key, FailureRecord::negative(error, retry_at));
        }
    }

    /// Schedules the next load of a watched key that has no value, for when a value would be due.
    fn schedule_reload(&self, inner: &mut Inner<K, V, E, F>, key: &K, now: Tick, jitter: u32) {
        inner.schedule.add(self.policy().refresh_at(now, jitter), key.clone());
    }

    /// Applies a failure: the old value is served for as long as it may be, and the key isn't
    /// loaded again before [`RETRY_DELAY`] if the failure is recorded.
    fn apply_failure(
        &self,
        inner: &mut Inner<K, V, E, F>,
        key: &K,
        error: Error<E>,
        record: Record,
        now: Tick,
    ) -> LoadResult<K, V, E> {
        if self.policy().is_disabled() {
            return LoadResult::failed(Err(error.clone()), error);
        }
        self.remove_if_expired(inner, key, now);
        let retry_at = now.saturating_add(RETRY_DELAY);
        let guard = self.entries.find(key);
        let Some(entry) = guard.as_ref().and_then(|guard| guard.get()) else {
            if inner.is_watched(key) {
                inner.schedule.add(retry_at, key.clone());
            }
            let error = self.fail_without_value(inner, key, error, record, retry_at);
            return LoadResult::failed(Err(error.clone()), error);
        };
        let retry_at = retry_at.min(entry.expires_at(&self.policy()));
        inner.schedule.add(retry_at, key.clone());
        let is_overdue = entry.freshness(&self.policy(), now) == Freshness::Overdue;
        if record == Record::Yes {
            let failures = inner.refresh_failures.entry(key.clone());
            failures.or_insert_with(FailureRecord::empty).failed(error.clone(), retry_at);
        }
        let value = guard.map(|guard| Ref::cached(guard, is_overdue));
        LoadResult::failed(value.ok_or_else(|| error.clone()), error)
    }

    /// Returns the error for the callers, and records it until `retry_at`.
    fn fail_without_value(
        &self,
        inner: &mut Inner<K, V, E, F>,
        key: &K,
        error: Error<E>,
        record: Record,
        retry_at: Tick,
    ) -> Error<E> {
        let failure = inner.failures.get(key);
        let is_expired = failure.is_some_and(|failure| failure.lifetime_over);
        let error = if is_expired { Error::Expired } else { error };
        if record == Record::Yes {
            let mut failure = inner.failures.remove(key).unwrap_or_else(FailureRecord::empty);
            failure.failed(error.clone(), retry_at);
            inner.record_failure(&self.entries, key, failure);
        }
        error
    }

    /// Removes an entry that has expired, and remembers its version.
    pub(crate) fn remove_if_expired(
        &self,
        inner: &mut Inner<K, V, E, F>,
        key: &K,
        now: Tick,
    ) -> bool {
        let Some(guard) = self.entries.find(key) else { return false };
        let Some(entry) = guard.get() else { return false };
        if entry.freshness(&self.policy(), now) != Freshness::Expired {
            return false;
        }
        let failure = if entry.lifetime_end <= now {
            FailureRecord::lifetime_over(entry.version)
        } else {
            let failure = inner.refresh_failures.remove(key).unwrap_or_else(FailureRecord::empty);
            failure.with_min_version(entry.version)
        };
        inner.remove(&self.entries, key);
        inner.record_failure(&self.entries, key, failure);
        true
    }
}
