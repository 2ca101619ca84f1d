//! Writes: what was told to the cache, which nothing that began before undoes.

use std::hash::Hash;
use std::sync::Arc;

use crate::load::Loaded;
use crate::map::entry::{Released, Stored};
use crate::policy::Tick;
use crate::state::{Flying, State};

/// What a write ended.
pub(crate) struct Ended<K, V, F> {
    pub(crate) flights: Vec<F>,
    pub(crate) released: Released<K, V>,
    pub(crate) evicted: u64,
}

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: Flying,
{
    /// Forgets the key; a load in flight counts no more.
    pub(crate) fn invalidate(&self, key: &K, now: Tick) -> Ended<K, V, F> {
        let mut table = self.table();
        table.forget(&self.values, key);
        table.memos.remove(key);
        table.invalidated = Some(now);
        if table.is_watched(key) {
            table.agenda.remind(now, key.clone());
        }
        let flights = table.flights.remove(key).into_iter().collect();
        Ended { flights, released: self.unlock(table), evicted: 0 }
    }

    /// Puts a written value in, unless a newer one is held; a load in flight counts no more.
    pub(crate) fn replace(
        &self,
        key: &K,
        loaded: Loaded<V>,
        now: Tick,
        lot: u32,
    ) -> (bool, Ended<K, V, F>) {
        let written = Arc::new(Stored::new(key.clone(), loaded, now, lot));
        let mut table = self.table();
        let flights = table.flights.remove(key).into_iter().collect();
        self.expire(&mut table, key, now);
        let floor = self.floor(&table, key);
        let accepted = floor.is_none_or(|floor| written.version.replaces(floor));
        if accepted {
            let held = self.values.find(key);
            if held.is_some_and(|held| held.get().is_some_and(|held| held.marks().is_seen())) {
                written.see();
            }
            self.hold(&mut table, &written, now);
        }
        let evicted = std::mem::take(&mut table.evicted);
        let ended = Ended { flights, released: self.unlock(table), evicted };
        drop(written);
        (accepted, ended)
    }

    /// Puts in what was read at `read_at`, where nothing as young is held and nothing was forgotten
    /// since. Loads in flight go on: what they bring is younger.
    pub(crate) fn prime(
        &self,
        key: K,
        loaded: Loaded<V>,
        read_at: Tick,
        now: Tick,
        lot: u32,
    ) -> (bool, Ended<K, V, F>) {
        let primed = Arc::new(Stored::new(key, loaded, read_at, lot));
        let mut table = self.table();
        let held = self.values.find(&primed.key);
        let is_younger = held.is_some_and(|held| held.get().is_some_and(|h| h.began >= read_at));
        let is_forgotten = table.invalidated.is_some_and(|at| at >= read_at);
        let is_expired = now >= primed.hard(&self.policy);
        let floor = self.floor(&table, &primed.key);
        let is_older = floor.is_some_and(|floor| !primed.version.replaces(floor));
        let accepted = !(is_younger || is_forgotten || is_expired || is_older);
        if accepted {
            self.hold(&mut table, &primed, now);
        }
        let evicted = std::mem::take(&mut table.evicted);
        let ended = Ended { flights: Vec::new(), released: self.unlock(table), evicted };
        drop(primed);
        (accepted, ended)
    }

    /// Forgets everything; loads in flight count no more.
    pub(crate) fn clear(&self, now: Tick) -> Ended<K, V, F> {
        let mut table = self.table();
        table.clear(&self.values);
        table.invalidated = Some(now);
        let watched: Vec<_> = table.watched().collect();
        for key in watched {
            table.agenda.remind(now, key);
        }
        let flights = std::mem::take(&mut table.flights).into_values().collect();
        Ended { flights, released: self.unlock(table), evicted: 0 }
    }
}
