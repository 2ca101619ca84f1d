//! What the end of a load does to its key, and what those get that waited for it.

use std::hash::Hash;
use std::sync::Arc;

use crate::error::Error;
use crate::load::LoadErrorKind;
use crate::map::entry::{Released, Stored};
use crate::policy::Memo;
use crate::policy::{Freshness, RETRY_AFTER, Tick};
use crate::state::inner::Table;
use crate::state::outcome::{Cause, Report};
use crate::state::{Answer, Flying, State};
use crate::value_ref::Ref;
use crate::version::Version;

/// Whether a failure is remembered of its key: that the loader isn't logged in says nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remember {
    Yes,
    No,
}

/// A load that has come to its end.
pub(crate) struct Landed<K, V, E, F> {
    pub(crate) answer: Answer<K, V, E>,
    pub(crate) flight: F,
    pub(crate) released: Released<K, V>,
    pub(crate) evicted: u64,
}

/// A load at its end, with all that it knows.
pub(crate) struct Arrival<V, E> {
    pub(crate) report: Report<V, E>,
    pub(crate) cause: Cause,
    pub(crate) began: Tick,
    pub(crate) now: Tick,
    pub(crate) lot: u32,
}

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: Flying,
{
    /// Applies the end of a load, unless a write of the key has ended it before: `None`.
    pub(crate) fn land(
        &self,
        key: &K,
        ticket: &F::Ticket,
        arrival: Arrival<V, E>,
    ) -> Option<Landed<K, V, E, F>> {
        let mut table = self.table();
        if table.flights.get(key)?.ticket() != *ticket {
            return None;
        }
        let flight = table.flights.remove(key)?;
        let answer = self.settle(&mut table, key, arrival);
        let evicted = std::mem::take(&mut table.evicted);
        Some(Landed { answer, flight, released: self.unlock(table), evicted })
    }

    fn settle(
        &self,
        table: &mut Table<K, V, E, F>,
        key: &K,
        arrival: Arrival<V, E>,
    ) -> Answer<K, V, E> {
        let Arrival { report, cause, began, now, lot } = arrival;
        match report {
            Report::Loaded(loaded) => {
                table.source_responded();
                let floor = self.floor(table, key);
                if floor.is_some_and(|floor| !loaded.version.replaces(floor)) {
                    return self.fail(table, key, Error::Outdated, Remember::Yes, now);
                }
                let stored = Arc::new(Stored::new(key.clone(), loaded, began, lot));
                if cause == Cause::Miss {
                    stored.see();
                }
                self.hold(table, &stored, now);
                Ok(Ref::loaded(stored))
            }
            Report::Failed(error, LoadErrorKind::NotFound | LoadErrorKind::Denied) => {
                table.source_responded();
                let error = Error::Load(error);
                self.deny(table, key, error.clone(), began, now);
                Err(error)
            }
            Report::Failed(
                error,
                outcome @ (LoadErrorKind::Unavailable | LoadErrorKind::Unauthenticated),
            ) => {
                // A miss proves nothing: a caller may have asked for a name that no source bears.
                if cause != Cause::Miss {
                    table.source_failed(now);
                }
                let remember = match outcome {
                    LoadErrorKind::Unauthenticated => Remember::No,
                    _ => Remember::Yes,
                };
                self.fail(table, key, Error::Load(error), remember, now)
            }
            Report::Panicked => self.fail(table, key, Error::Panicked, Remember::Yes, now),
        }
    }

    /// Keeps a value, unless nothing is kept at all or its own lifetime is over.
    pub(crate) fn hold(
        &self,
        table: &mut Table<K, V, E, F>,
        stored: &Arc<Stored<K, V>>,
        now: Tick,
    ) {
        if self.policy.is_off() {
            return;
        }
        if stored.expires <= now {
            return self.end(table, &stored.key, stored.version, now);
        }
        let edge = self.policy.edge(stored.began, stored.lot);
        stored.ask_clock(!table.trusted || stored.is_limited() || edge <= now);
        table.scan_by(edge);
        if stored.is_limited() {
            table.agenda.remind(stored.hard(&self.policy), stored.key.clone());
        }
        table.put(&self.values, stored);
    }

    /// The lifetime of the key's latest value is over already.
    fn end(&self, table: &mut Table<K, V, E, F>, key: &K, version: Version, now: Tick) {
        table.forget(&self.values, key);
        if let Some(slot) = table.slot(key) {
            slot.announce(version);
            if slot.is_watched() {
                table.agenda.remind(now.saturating_add(self.policy.refresh_interval), key.clone());
            }
        }
        table.note(&self.values, key, Memo::ended(version));
    }

    /// The source gave a definite negative response: serving ends.
    fn deny(
        &self,
        table: &mut Table<K, V, E, F>,
        key: &K,
        error: Error<E>,
        began: Tick,
        now: Tick,
    ) {
        table.forget(&self.values, key);
        table.memos.remove(key);
        if let Some(slot) = table.slot(key) {
            let old = slot.end();
            table.released.extend(old);
            if slot.is_watched() {
                table.agenda.remind(now.saturating_add(self.policy.refresh_interval), key.clone());
            }
        }
        let until = began.saturating_add(self.policy.negative_ttl);
        if now < until && !self.policy.is_off() {
            table.note(&self.values, key, Memo::no(error, until));
        }
    }

    /// The load failed: the old value is served on while it may be, and the key is left alone for a
    /// moment if the failure is `remember`ed of it.
    fn fail(
        &self,
        table: &mut Table<K, V, E, F>,
        key: &K,
        error: Error<E>,
        remember: Remember,
        now: Tick,
    ) -> Answer<K, V, E> {
        if self.policy.is_off() {
            return Err(error);
        }
        self.expire(table, key, now);
        let retry_at = now.saturating_add(RETRY_AFTER);
        let guard = self.values.find(key);
        let Some(stored) = guard.as_ref().and_then(|guard| guard.get()) else {
            if table.is_watched(key) {
                table.agenda.remind(retry_at, key.clone());
            }
            return Err(self.fail_without_value(table, key, error, remember, retry_at));
        };
        let retry_at = retry_at.min(stored.hard(&self.policy));
        table.agenda.remind(retry_at, key.clone());
        let is_overdue = stored.freshness(&self.policy, now) == Freshness::Overdue;
        if remember == Remember::Yes {
            let setback = table.setbacks.entry(key.clone()).or_insert_with(Memo::blank);
            setback.failed(error.clone(), retry_at);
        }
        guard.map(|guard| Ref::held(guard, is_overdue)).ok_or(error)
    }

    /// Returns what callers get, and remembers it until `retry_at`.
    fn fail_without_value(
        &self,
        table: &mut Table<K, V, E, F>,
        key: &K,
        error: Error<E>,
        remember: Remember,
        retry_at: Tick,
    ) -> Error<E> {
        let memo = table.memos.get(key);
        let error = if memo.is_some_and(|memo| memo.has_ended) { Error::Expired } else { error };
        if remember == Remember::Yes {
            let mut memo = table.memos.remove(key).unwrap_or_else(Memo::blank);
            memo.failed(error.clone(), retry_at);
            table.note(&self.values, key, memo);
        }
        error
    }

    /// Lets a value go that is past its hard age or its own lifetime; its version is remembered.
    pub(crate) fn expire(&self, table: &mut Table<K, V, E, F>, key: &K, now: Tick) -> bool {
        let Some(guard) = self.values.find(key) else { return false };
        let Some(stored) = guard.get() else { return false };
        if stored.freshness(&self.policy, now) != Freshness::Expired {
            return false;
        }
        let memo = if stored.expires <= now {
            Memo::ended(stored.version)
        } else {
            table.setbacks.remove(key).unwrap_or_else(Memo::blank).with_floor(stored.version)
        };
        table.forget(&self.values, key);
        table.note(&self.values, key, memo);
        true
    }
}
