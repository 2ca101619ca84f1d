//! What the timer does: finds the values that come due, has those that are in use loaded again, and
//! lets go of those that are past their hard age.

use std::hash::Hash;

use crate::map::entry::{Released, Stored};
use crate::policy::PROBE_INTERVAL;
use crate::policy::{Freshness, Tick};
use crate::state::inner::Table;
use crate::state::outcome::Cause;
use crate::state::{Flying, State};

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

    /// Visits all values, if it is time to. It holds the lock throughout, because a value that is
    /// missed would be fresh for ever; hits don't wait for it.
    pub(crate) fn scan(&self, now: Tick) {
        let mut table = self.table();
        if table.agenda.scan > now {
            return;
        }
        table.agenda.scan = Tick::MAX;
        let mut found = Found { next: Tick::MAX, reminders: Vec::new() };
        let trusted = table.trusted;
        self.values.each(&table.room, |stored| self.inspect(stored, now, trusted, &mut found));
        let round = now.saturating_add(self.policy.round());
        if found.next < Tick::MAX {
            table.scan_by(found.next.max(round));
        }
        // Whoever waits for news reads nothing: a watched key is looked at each time.
        found.reminders.extend(table.watched().map(|key| (now, key)));
        found.reminders.into_iter().for_each(|(at, key)| table.agenda.remind(at, key));
        table.memos.retain(|_, memo| !memo.is_past(now));
    }

    /// Says whether readers must ask the clock, and when this value wants to be looked at.
    fn inspect(&self, stored: &Stored<K, V>, now: Tick, trusted: bool, found: &mut Found<K>) {
        let (policy, round) = (&self.policy, now.saturating_add(self.policy.round()));
        let (due, hard) = (policy.due(stored.began, stored.lot), stored.hard(policy));
        let edge = policy.edge(stored.began, stored.lot);
        stored.ask_clock(!trusted || stored.is_limited() || edge <= now);
        if edge > now {
            found.next = found.next.min(edge);
            return;
        }
        found.next = found.next.min(round);
        // What is past due and not in use waits for a reader; what is in use may be on the list.
        let is_coming = due > now || stored.marks().is_seen();
        let at = if is_coming { due.max(now).min(hard) } else { hard };
        if at <= round {
            found.reminders.push((at, stored.key.clone()));
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
        launch: impl FnOnce(Cause) -> Option<F>,
    ) -> Released<K, V> {
        let mut table = self.table();
        self.expire(&mut table, key, now);
        if self.wants_refresh(&table, key, now) {
            match self.hindrance(&mut table, key, now) {
                Some(Tick::MAX) => {}
                Some(until) => table.agenda.remind(until, key.clone()),
                None => refresh(&mut table, key, now, launch),
            }
        }
        self.remind_of_end(&mut table, key);
        self.unlock(table)
    }

    /// Whether a load may go on now that it is its turn. A refresh that has waited while others found
    /// out that the source can't be asked may not: it is given back, and the key is refreshed when it
    /// may be probed.
    pub(crate) fn take_turn(
        &self,
        key: &K,
        ticket: &F::Ticket,
        cause: Cause,
        now: Tick,
    ) -> Result<(), Option<F>> {
        if cause != Cause::Refresh {
            return Ok(());
        }
        let mut table = self.table();
        let Some(next_probe) = table.outage(now).map(|outage| outage.next_probe) else {
            return Ok(());
        };
        let is_current = table.flights.get(key).is_some_and(|flight| flight.ticket() == *ticket);
        let flight = if is_current { table.flights.remove(key) } else { None };
        table.agenda.remind(next_probe.max(now), key.clone());
        drop(self.unlock(table));
        Err(flight)
    }

    /// A value that ends before the next look at all of them is looked at then.
    fn remind_of_end(&self, table: &mut Table<K, V, E, F>, key: &K) {
        let guard = self.values.find(key);
        let Some(stored) = guard.as_ref().and_then(|guard| guard.get()) else { return };
        let hard = stored.hard(&self.policy);
        if (stored.is_limited() || hard <= table.agenda.scan) && hard < Tick::MAX {
            table.agenda.remind(hard, key.clone());
        }
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
    fn hindrance(&self, table: &mut Table<K, V, E, F>, key: &K, now: Tick) -> Option<Tick> {
        if table.flights.get(key).is_some_and(|flight| !flight.is_lost()) {
            return Some(Tick::MAX);
        }
        let probe = table.outage(now).map(|outage| outage.next_probe);
        let memo = table.setbacks.get(key).or_else(|| table.memos.get(key));
        let busy = (!self.has_room_for_flight(table)).then(|| now.saturating_add(PROBE_INTERVAL));
        let until = memo.map(|memo| memo.until).max(probe).max(busy);
        until.filter(|until| *until > now)
    }

    /// A timer has come, or has gone: without one, or with one that stands still when nobody drives
    /// its runtime, every hit asks the clock.
    pub(crate) fn trust(&self, trusted: bool) {
        let mut table = self.table();
        table.trusted = trusted;
        if trusted {
            table.scan_by(0);
        } else {
            self.values.each(&table.room, |stored| stored.ask_clock(true));
        }
        drop(self.unlock(table));
    }
}

/// Starts a refresh, which is a probe in an outage.
fn refresh<K: Hash + Eq + Clone, V, E, F>(
    table: &mut Table<K, V, E, F>,
    key: &K,
    now: Tick,
    launch: impl FnOnce(Cause) -> Option<F>,
) {
    let cause = match table.outage(now) {
        Some(outage) => {
            outage.probed(now);
            Cause::Probe
        }
        None => Cause::Refresh,
    };
    if let Some(flight) = launch(cause) {
        table.flights.insert(key.clone(), flight);
    }
}
