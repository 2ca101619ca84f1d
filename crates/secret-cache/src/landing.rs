//! What the end of a load does to its key, and what those get that waited for it.

use std::hash::Hash;
use std::sync::Arc;

use crate::lent::Lent;
use crate::memo::Memo;
use crate::policy::{Freshness, PROBE_INTERVAL, Tick, nanos};
use crate::state::{Answer, Flying, State};
use crate::stored::{Released, Stored};
use crate::table::Table;
use crate::{Error, Loaded, Outcome};

/// How a load ended.
pub(crate) enum Report<V, E> {
    Loaded(Loaded<V>),
    Failed(Arc<E>, Outcome),
    Panicked,
}

/// Why a load was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A caller waits for it.
    Miss,
    /// The value came due; nobody waits.
    Refresh,
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
                table.probe = None;
                let floor = self.floor(table, key);
                if floor.is_some_and(|floor| !loaded.version.replaces(floor)) {
                    return self.fail(table, key, Error::Outdated, now);
                }
                let Loaded { value, version } = loaded;
                let stored = Arc::new(Stored::new(key.clone(), value, version, began, lot));
                if cause == Cause::Miss {
                    stored.see();
                }
                self.hold(table, &stored, now);
                Ok(Lent::loaded(stored))
            }
            Report::Failed(error, Outcome::Absent | Outcome::Refused) => {
                table.probe = None;
                let error = Error::Load(error);
                self.deny(table, key, error.clone(), began, now);
                Err(error)
            }
            Report::Failed(error, Outcome::Unreachable) => {
                if cause == Cause::Refresh {
                    table.probe = Some(now.saturating_add(nanos(PROBE_INTERVAL)));
                }
                self.fail(table, key, Error::Load(error), now)
            }
            Report::Panicked => self.fail(table, key, Error::Panicked, now),
        }
    }

    /// Holds a value, unless nothing is held at all.
    pub(crate) fn hold(
        &self,
        table: &mut Table<K, V, E, F>,
        stored: &Arc<Stored<K, V>>,
        now: Tick,
    ) {
        if self.policy.is_off() {
            return;
        }
        let edge = self.policy.edge(stored.began, stored.lot);
        stored.ask_clock(!table.trusted || edge <= now);
        table.scan_by(edge);
        table.put(&self.values, stored);
    }

    /// The source says no: serving ends.
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
            // Somebody waits for a value to come.
            if slot.is_watched() {
                table.agenda.remind(now.saturating_add(self.policy.refresh_interval), key.clone());
            }
        }
        let until = began.saturating_add(self.policy.negative_ttl);
        if now < until && !self.policy.is_off() {
            table.note(&self.values, key, Memo::no(error, until));
        }
    }

    /// Nothing came of it: what is held is served on while it may be, and the key left in peace.
    fn fail(
        &self,
        table: &mut Table<K, V, E, F>,
        key: &K,
        error: Error<E>,
        now: Tick,
    ) -> Answer<K, V, E> {
        if self.policy.is_off() {
            return Err(error);
        }
        self.expire(table, key, now);
        let Some(guard) = self.values.find(key) else {
            let mut memo = table.memos.remove(key).unwrap_or_else(|| Memo::blank(None));
            memo.failed(error.clone(), now, None);
            if table.is_watched(key) {
                table.agenda.remind(memo.until, key.clone());
            }
            table.note(&self.values, key, memo);
            return Err(error);
        };
        let Some(stored) = guard.get() else { return Err(error) };
        let hard = self.policy.hard(stored.began);
        let setback = table.setbacks.entry(key.clone()).or_insert_with(|| Memo::blank(None));
        setback.failed(error, now, Some(hard));
        table.agenda.remind(setback.until, key.clone());
        let is_stale = stored.freshness(&self.policy, now) == Freshness::Stale;
        Ok(Lent::held(guard, is_stale))
    }

    /// Lets a value go that is past its hard age; its version is remembered.
    pub(crate) fn expire(&self, table: &mut Table<K, V, E, F>, key: &K, now: Tick) -> bool {
        let Some(guard) = self.values.find(key) else { return false };
        let Some(stored) = guard.get() else { return false };
        if stored.freshness(&self.policy, now) != Freshness::Expired {
            return false;
        }
        let mut memo = table.setbacks.remove(key).unwrap_or_else(|| Memo::blank(None));
        memo.floor = Some(stored.version);
        table.forget(&self.values, key);
        table.note(&self.values, key, memo);
        true
    }
}
