//! What the timer does: finds the values that come due, has those that are in use loaded again, and
//! lets go of those that are past their hard age.

use std::hash::Hash;

use crate::policy::{Freshness, PROBE_INTERVAL, Tick, nanos};
use crate::state::{Flying, State};
use crate::stored::{Released, Stored};
use crate::table::Table;

/// What one look at all values found.
struct Found<K> {
    /// When the first of those that are far from due is near.
    next: Tick,
    reminders: Vec<(Tick, K)>,
}

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: Flying,
{
    /// Until when the timer may sleep.
    pub(crate) fn sleep(&self) -> Tick {
        self.table().agenda.sleep()
    }

    /// Looks through all values, if it is time to.
    pub(crate) fn scan(&self, now: Tick) {
        let mut table = self.table();
        if table.agenda.scan > now {
            return;
        }
        // What is put in from here on says itself when it wants to be looked at.
        table.agenda.scan = Tick::MAX;
        let trusted = table.trusted;
        drop(table);
        let mut found = Found { next: Tick::MAX, reminders: Vec::new() };
        self.values.each(|stored| self.inspect(stored, now, trusted, &mut found));
        let mut table = self.table();
        let round = now.saturating_add(self.policy.round());
        if found.next < Tick::MAX {
            table.scan_by(found.next.max(round));
        }
        found.reminders.into_iter().for_each(|(at, key)| table.agenda.remind(at, key));
        table.memos.retain(|_, memo| !memo.is_past(now));
    }

    /// Says whether readers must ask the clock, and when this value wants to be looked at.
    fn inspect(&self, stored: &Stored<K, V>, now: Tick, trusted: bool, found: &mut Found<K>) {
        let (policy, round) = (&self.policy, now.saturating_add(self.policy.round()));
        let (due, hard) = (policy.due(stored.began, stored.lot), policy.hard(stored.began));
        let edge = policy.edge(stored.began, stored.lot);
        stored.ask_clock(!trusted || edge <= now);
        if edge > now {
            found.next = found.next.min(edge);
            return;
        }
        found.next = found.next.min(round);
        // Past due and in use, it is on the list already, unless the timer was late.
        for at in [due.max(now), hard] {
            if at <= round {
                found.reminders.push((at, stored.key.clone()));
            }
        }
    }

    /// A key whose time has come.
    pub(crate) fn pop(&self, now: Tick) -> Option<K> {
        self.table().agenda.pop(now)
    }

    /// Loads a key again that is due and in use, and lets an expired value go.
    pub(crate) fn due(
        &self,
        key: &K,
        now: Tick,
        launch: impl FnOnce() -> Option<F>,
    ) -> Released<K, V> {
        let mut table = self.table();
        self.expire(&mut table, key, now);
        if self.wants_refresh(&table, key, now) {
            match self.hindrance(&table, key, now) {
                Some(Tick::MAX) => {}
                Some(until) => table.agenda.remind(until, key.clone()),
                None => {
                    if let Some(probe) = &mut table.probe {
                        *probe = now.saturating_add(nanos(PROBE_INTERVAL));
                    }
                    if let Some(flight) = launch() {
                        table.flights.insert(key.clone(), flight);
                    }
                }
            }
        }
        self.unlock(table)
    }

    /// Whether it is due, and somebody asked for it since it was loaded or waits for news of it.
    fn wants_refresh(&self, table: &Table<K, V, E, F>, key: &K, now: Tick) -> bool {
        let guard = self.values.find(key);
        match guard.as_ref().and_then(|guard| guard.get()) {
            Some(stored) => {
                let is_due = stored.freshness(&self.policy, now) != Freshness::Fresh;
                is_due && (stored.marks().is_seen() || table.is_watched(key))
            }
            None => table.is_watched(key),
        }
    }

    /// What stands in the way of a refresh until when; for ever, if one is under way.
    fn hindrance(&self, table: &Table<K, V, E, F>, key: &K, now: Tick) -> Option<Tick> {
        if table.flights.get(key).is_some_and(|flight| !flight.is_lost()) {
            return Some(Tick::MAX);
        }
        let memo = table.setbacks.get(key).or_else(|| table.memos.get(key));
        let busy =
            (!self.has_room_for_flight(table)).then(|| now.saturating_add(nanos(PROBE_INTERVAL)));
        let until = memo.map(|memo| memo.until).max(table.probe).max(busy);
        until.filter(|until| *until > now)
    }

    /// A timer has come, or has gone: without one, or with one that stands still when nobody drives
    /// its runtime, every hit asks the clock.
    pub(crate) fn trust(&self, trusted: bool) {
        let mut table = self.table();
        table.trusted = trusted;
        if trusted {
            table.scan_by(0);
        }
        drop(self.unlock(table));
        if !trusted {
            self.values.each(|stored| stored.ask_clock(true));
        }
    }
}
