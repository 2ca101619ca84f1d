//! What a cache knows, and each step taken on it. Values are read without a lock; everything else
//! happens under one.
//!
//! A step takes the lock once, never awaits under it, and runs no foreign code under it but the
//! key's own `Hash`, `Eq` and `Clone`, and the weighing of entries. Tasks and timers belong to
//! `shared`: a step says what is to be loaded, and what must wait.

pub(crate) mod complete;
pub(crate) mod inner;
#[cfg(test)]
mod interleavings;
mod maintenance;
pub(crate) mod outcome;
mod schedule;
pub(crate) mod slot;
pub(crate) mod write;

use std::hash::Hash;
use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;

use crate::error::Error;
use crate::map::Values;
use crate::map::clock;
use crate::map::entry::{Released, Stored};
use crate::map::sync::{Guard, Mutex, MutexGuard};
use crate::policy::{Freshness, Policy, Tick};
use crate::state::inner::{Bounds, Table};
use crate::state::outcome::Cause;
use crate::state::slot::Slot;
use crate::value_ref::Ref;
use crate::version::Version;

/// A load in flight, as the state sees it.
pub(crate) trait Flying {
    /// What waiters hold, and what tells one flight from another.
    type Ticket: PartialEq;

    fn ticket(&self) -> Self::Ticket;

    /// Whether it will never land, because its runtime dropped it.
    fn is_lost(&self) -> bool;

    /// Whether it has been running for longer than readers of an older value wait.
    fn is_slow(&self, now: Tick) -> bool;
}

/// What all callers get that waited for a load.
pub(crate) type Answer<K, V, E> = Result<Ref<K, V>, Error<E>>;

/// What a caller does next.
pub(crate) enum Step<K, V, E, T> {
    Done(Answer<K, V, E>),
    /// Wait for this load, with the patience of a caller that has an older value, or of one that
    /// has none.
    Wait(T, Patience),
}

/// How long a caller waits for a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until the load ends.
    UntilEnd,
    /// Until the load ends or is slow: there is an older value.
    UntilSlow,
}

/// What memory has to say to a caller.
pub(crate) enum Look<K, V> {
    /// Served; with whether a refresh is to be started in the background.
    Served(Ref<K, V>, bool),
    /// Past its refresh interval; with whether this is the first caller that asks for it.
    Overdue(Guard<Stored<K, V>>, bool),
    Nothing,
}

pub(crate) struct State<K, V, E, F> {
    pub(crate) values: Values<K, V>,
    table: Mutex<Table<K, V, E, F>>,
    pub(crate) policy: Policy,
    /// Wakes the timer.
    pub(crate) wake: Arc<Notify>,
    /// Loads that run or wait to, at most.
    most_flights: usize,
}

/// The lock, and what is to be dropped after it.
pub(crate) type Locked<'s, K, V, E, F> = MutexGuard<'s, Table<K, V, E, F>>;

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: Flying,
{
    pub(crate) fn new(policy: Policy, bounds: Bounds<K, V>, most_flights: usize) -> Self {
        let (values, table) = (Values::new(bounds.entries), Mutex::new(Table::new(bounds)));
        Self { values, table, policy, wake: Arc::new(Notify::new()), most_flights }
    }

    /// A panic of a key's `Hash` or `Eq` leaves a table that is whole enough to go on with.
    pub(crate) fn table(&self) -> Locked<'_, K, V, E, F> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a step: what it released is the caller's to drop. The timer is woken if it would come too
    /// late for what the step left to do.
    pub(crate) fn unlock(&self, mut table: Locked<'_, K, V, E, F>) -> Released<K, V> {
        let released = std::mem::take(&mut table.released);
        let oversleeps = table.agenda.oversleeps();
        drop(table);
        if oversleeps {
            self.wake.notify_one();
        }
        released
    }

    /// Decides whether an entry that was found may be served; reads the clock where that matters.
    pub(crate) fn look(&self, found: Option<Guard<Stored<K, V>>>) -> Look<K, V> {
        let Some(guard) = found else { return Look::Nothing };
        let Some(stored) = guard.get() else { return Look::Nothing };
        let marks = stored.see();
        if !marks.asks_clock() {
            return Look::Served(Ref::held(guard, false), false);
        }
        match stored.freshness(&self.policy, clock::now()) {
            Freshness::Expired => Look::Nothing,
            Freshness::Fresh => Look::Served(Ref::held(guard, false), false),
            Freshness::Due => Look::Served(Ref::held(guard, false), !marks.is_seen()),
            Freshness::Overdue => Look::Overdue(guard, !marks.is_seen()),
        }
    }

    /// Whether a value of `key` that is past its refresh interval is served as it is, because the
    /// source doesn't answer.
    pub(crate) fn is_stale(&self, key: &K, now: Tick) -> bool {
        is_unanswered(&mut self.table(), key, now)
    }

    /// Answers from memory, joins the load in flight, or starts one.
    pub(crate) fn step(
        &self,
        key: &K,
        now: Tick,
        launch: impl FnOnce(Cause) -> Option<F>,
    ) -> Step<K, V, E, F::Ticket> {
        let mut table = self.table();
        let Some((old, freshness)) = self.servable(key, now) else {
            if let Some(error) = table.memos.get(key).and_then(|memo| memo.answer(now)) {
                return Step::Done(Err(error));
            }
            return match self.join(table, key, || launch(Cause::Miss)) {
                Ok(ticket) => Step::Wait(ticket, Patience::UntilEnd),
                Err(error) => Step::Done(Err(error)),
            };
        };
        if freshness != Freshness::Overdue {
            return Step::Done(Ok(Ref::held(old, false)));
        }
        if is_unanswered(&mut table, key, now) {
            return Step::Done(Ok(Ref::held(old, true)));
        }
        match self.join(table, key, || launch(Cause::Refresh)) {
            Ok(ticket) => Step::Wait(ticket, Patience::UntilSlow),
            // Nothing can be loaded now: the old value is better than an error.
            Err(_) => Step::Done(Ok(Ref::held(old, true))),
        }
    }

    /// Joins the load in flight, or starts one.
    fn join(
        &self,
        mut table: Locked<'_, K, V, E, F>,
        key: &K,
        launch: impl FnOnce() -> Option<F>,
    ) -> Result<F::Ticket, Error<E>> {
        if let Some(flight) = table.flights.get(key).filter(|flight| !flight.is_lost()) {
            return Ok(flight.ticket());
        }
        if !self.has_room_for_flight(&table) {
            return Err(Error::Busy);
        }
        let flight = launch().ok_or(Error::NoRuntime)?;
        let ticket = flight.ticket();
        let lost = table.flights.insert(key.clone(), flight);
        drop(table);
        drop(lost);
        Ok(ticket)
    }

    /// The value of `key` if it is not expired, under the lock: none is missed.
    pub(crate) fn servable(&self, key: &K, now: Tick) -> Option<(Guard<Stored<K, V>>, Freshness)> {
        let guard = self.values.find(key)?;
        let stored = guard.get()?;
        stored.see();
        match stored.freshness(&self.policy, now) {
            Freshness::Expired => None,
            freshness => Some((guard, freshness)),
        }
    }

    /// The version that is held, or was until it was too old: what is put in may not be older.
    pub(crate) fn floor(&self, table: &Table<K, V, E, F>, key: &K) -> Option<Version> {
        let held = self.values.find(key).and_then(|guard| guard.get().map(|held| held.version));
        held.or_else(|| table.memos.get(key)?.floor)
    }

    /// Whether another load may be begun.
    pub(crate) fn has_room_for_flight(&self, table: &Table<K, V, E, F>) -> bool {
        table.flights.len() < self.most_flights
    }

    /// The slot of `key`, which all its handles share.
    pub(crate) fn slot(&self, key: &K) -> Arc<Slot<K, V>> {
        let mut table = self.table();
        if let Some(slot) = table.slot(key) {
            return slot;
        }
        table.tidy_slots();
        let held = self.values.find(key).and_then(|guard| guard.get().map(Arc::clone));
        let slot = Arc::new(Slot::new(held));
        table.slots.insert(key.clone(), Arc::downgrade(&slot));
        slot
    }
}

/// Whether a reader need not wait for `key`: the source is known to be unavailable, or has just failed
/// to answer for this key, or the load under way is slow.
fn is_unanswered<K, V, E, F>(table: &mut Table<K, V, E, F>, key: &K, now: Tick) -> bool
where
    K: Hash + Eq + Clone,
    F: Flying,
{
    table.outage(now).is_some()
        || table.setbacks.get(key).is_some_and(|failure| now < failure.until)
        || table.flights.get(key).is_some_and(|load| !load.is_lost() && load.is_slow(now))
}
