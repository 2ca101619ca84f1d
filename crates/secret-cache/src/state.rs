//! What a cache knows, and each step taken on it. Values are read without a lock; everything else
//! happens under one.
//!
//! A step takes the lock once, never awaits under it, and runs no foreign code under it but the
//! key's own `Hash`, `Eq` and `Clone`, and the weighing of entries. Tasks and timers belong to
//! `shared`: a step says what is to be loaded, and what must wait.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;

use crate::clock;
use crate::lent::Lent;
use crate::policy::{Freshness, Policy, Tick};
use crate::slot::Slot;
use crate::stored::Released;
use crate::sync::{Mutex, MutexGuard};
use crate::table::{Bounds, Table};
use crate::values::Values;
use crate::{Error, Version};

/// A load in flight, as the state sees it.
pub(crate) trait Flying {
    /// What waiters hold, and what tells one flight from another.
    type Ticket: PartialEq;

    fn ticket(&self) -> Self::Ticket;

    /// Whether it will never land, because its runtime dropped it.
    fn is_lost(&self) -> bool;
}

/// What all callers get that waited for a load.
pub(crate) type Answer<K, V, E> = Result<Lent<K, V>, Error<E>>;

/// What a caller does next.
pub(crate) enum Step<K, V, E, T> {
    Done(Answer<K, V, E>),
    Wait(T),
}

/// What memory has to say to a caller.
pub(crate) enum Look<K, V> {
    /// Served; with whether a load is to be begun behind the caller's back.
    Served(Lent<K, V>, bool),
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

    /// The value of `key` if it can be served as it is: the whole of a hit.
    #[inline(always)]
    pub(crate) fn hit<Q>(&self, key: &Q, wanted: impl FnOnce(&V) -> bool) -> Option<Lent<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Lent::plain(self.values.find(key)?, wanted)
    }

    /// The value of `key` if it may be served at all; the clock is asked where that matters.
    pub(crate) fn look<Q>(&self, key: &Q) -> Look<K, V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Some(guard) = self.values.find(key) else { return Look::Nothing };
        let Some(stored) = guard.get() else { return Look::Nothing };
        let marks = stored.see();
        if !marks.asks_clock() {
            return Look::Served(Lent::held(guard, false), false);
        }
        match stored.freshness(&self.policy, clock::now()) {
            Freshness::Expired => Look::Nothing,
            Freshness::Fresh => Look::Served(Lent::held(guard, false), false),
            Freshness::Due => Look::Served(Lent::held(guard, false), !marks.is_seen()),
            Freshness::Stale => Look::Served(Lent::held(guard, true), !marks.is_seen()),
        }
    }

    /// Answers from memory, joins the load in flight, or takes off.
    pub(crate) fn step(
        &self,
        key: &K,
        now: Tick,
        launch: impl FnOnce() -> Option<F>,
    ) -> Step<K, V, E, F::Ticket> {
        let mut table = self.table();
        if let Some(lent) = self.servable(key, now) {
            return Step::Done(Ok(lent));
        }
        if let Some(error) = table.memos.get(key).and_then(|memo| memo.answer(now)) {
            return Step::Done(Err(error));
        }
        if let Some(flight) = table.flights.get(key).filter(|flight| !flight.is_lost()) {
            return Step::Wait(flight.ticket());
        }
        if table.flights.len() >= self.most_flights {
            return Step::Done(Err(Error::Busy));
        }
        let Some(flight) = launch() else { return Step::Done(Err(Error::NoRuntime)) };
        let ticket = flight.ticket();
        let lost = table.flights.insert(key.clone(), flight);
        drop(table);
        drop(lost);
        Step::Wait(ticket)
    }

    /// The value of `key` if it may be served, under the lock: none is missed.
    pub(crate) fn servable(&self, key: &K, now: Tick) -> Option<Lent<K, V>> {
        let guard = self.values.find(key)?;
        let stored = guard.get()?;
        stored.see();
        match stored.freshness(&self.policy, now) {
            Freshness::Expired => None,
            freshness => Some(Lent::held(guard, freshness == Freshness::Stale)),
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
