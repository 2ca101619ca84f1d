//! All keys: what is remembered of each, within a bound, and the loads in flight.
//!
//! Plain data behind the lock of `shared`. What it removes it hands out, so that values and tasks
//! are dropped when the lock is free again.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use crate::entry::Entry;
use crate::flight::{Flight, Launched};

/// The entries and flights of a cache.
///
/// Flights don't count as entries: there are as many as there are keys that callers wait for.
pub(crate) struct Table<K, V, E> {
    entries: HashMap<K, Slot<V, E>>,
    /// The order of eviction, lowest first.
    order: BTreeMap<Rank, K>,
    flights: HashMap<K, Launched<V, E>>,
    capacity: usize,
    puts: u64,
}

struct Slot<V, E> {
    entry: Entry<V, E>,
    rank: Rank,
}

/// Definite noes go before values, or a caller that asks for what isn't there could push out what
/// is. Within each the entry goes first whose last load is the longest ago.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_value: bool,
    put: u64,
}

/// Entries that the table has let go of: the key's old one, and one evicted for its sake.
pub(crate) type Displaced<V, E> = [Option<Entry<V, E>>; 2];

impl<K: Hash + Eq + Clone, V, E> Table<K, V, E> {
    /// A table of at most `capacity` entries; with none it remembers nothing.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            flights: HashMap::new(),
            capacity,
            puts: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, key: &K) -> Option<&Entry<V, E>> {
        self.entries.get(key).map(|slot| &slot.entry)
    }

    /// Remembers `entry`, last in the order of eviction.
    #[must_use = "drop what was displaced when the lock is free"]
    pub(crate) fn put(&mut self, key: K, entry: Entry<V, E>) -> Displaced<V, E> {
        let old = self.remove(&key);
        if self.capacity == 0 {
            return [old, Some(entry)];
        }
        let evicted = if self.len() < self.capacity { None } else { self.evict() };
        self.puts = self.puts.saturating_add(1);
        let rank = Rank { is_value: matches!(entry, Entry::Held { .. }), put: self.puts };
        self.order.insert(rank, key.clone());
        self.entries.insert(key, Slot { entry, rank });
        [old, evicted]
    }

    #[must_use = "drop what was removed when the lock is free"]
    pub(crate) fn remove(&mut self, key: &K) -> Option<Entry<V, E>> {
        let slot = self.entries.remove(key)?;
        self.order.remove(&slot.rank);
        Some(slot.entry)
    }

    fn evict(&mut self) -> Option<Entry<V, E>> {
        let (_, key) = self.order.pop_first()?;
        self.entries.remove(&key).map(|slot| slot.entry)
    }

    /// The load in flight for `key`, if it hasn't ended.
    pub(crate) fn flight(&self, key: &K) -> Option<&Arc<Flight<V, E>>> {
        self.flights.get(key).map(|launched| &launched.flight).filter(|flight| !flight.has_ended())
    }

    /// Remembers the load in flight for `key`; gives back one that was lost.
    #[must_use = "drop what was displaced when the lock is free"]
    pub(crate) fn launch(&mut self, key: K, launched: Launched<V, E>) -> Option<Launched<V, E>> {
        self.flights.insert(key, launched)
    }

    /// Takes the load of `key` out, whichever it is.
    #[must_use = "drop what was removed when the lock is free"]
    pub(crate) fn ground(&mut self, key: &K) -> Option<Launched<V, E>> {
        self.flights.remove(key)
    }

    /// Takes this very load of `key` out; none when a write has ended it meanwhile.
    #[must_use = "drop what was removed when the lock is free"]
    pub(crate) fn land(&mut self, key: &K, flight: &Arc<Flight<V, E>>) -> Option<Launched<V, E>> {
        let current = self.flights.get(key)?;
        if Arc::ptr_eq(&current.flight, flight) { self.flights.remove(key) } else { None }
    }

    /// Takes everything out.
    #[must_use = "drop what was removed when the lock is free"]
    pub(crate) fn empty(&mut self) -> (Self, impl Iterator<Item = Launched<V, E>> + use<K, V, E>) {
        let mut old = std::mem::replace(self, Self::new(self.capacity));
        let flights = std::mem::take(&mut old.flights);
        (old, flights.into_values())
    }
}
