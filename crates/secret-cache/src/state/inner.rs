//! Everything that stands behind the lock: the loads in flight, what is remembered beside the values,
//! the handles' slots, the bounds, and when to look at what again.
//!
//! What it lets go of it collects in `released`, so that values are dropped when the lock is free.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};

use crate::map::entry::{Released, Stored};
use crate::map::sync::RandomState;
use crate::map::{Room, Values};
use crate::policy::Memo;
use crate::policy::Outage;
use crate::policy::Tick;
use crate::state::schedule::Agenda;
use crate::state::slot::Slot;

type Map<K, T> = HashMap<K, T, RandomState>;

/// How much is held at most.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<K, V> {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
    /// What an entry counts for. The same for the same entry, always.
    pub(crate) weigh: fn(&K, &V) -> usize,
}

pub(crate) struct Table<K, V, E, F> {
    pub(crate) room: Room,
    bounds: Bounds<K, V>,
    bytes: usize,
    /// Loads that wait, run, or have just been lost.
    pub(crate) flights: Map<K, F>,
    /// Of keys that have no value.
    pub(crate) memos: Map<K, Memo<E>>,
    /// Of keys that have one, but whose refreshes fail.
    pub(crate) setbacks: Map<K, Memo<E>>,
    pub(crate) slots: Map<K, Weak<Slot<K, V>>>,
    most_slots: usize,
    pub(crate) agenda: Agenda<K>,
    /// The last outage of the source, unless something has been loaded since.
    outage: Option<Outage>,
    /// Whether a timer sees to the values, so that hits need no clock.
    pub(crate) trusted: bool,
    /// When a key was forgotten last because it was written.
    pub(crate) invalidated: Option<Tick>,
    pub(crate) released: Released<K, V>,
    pub(crate) evicted: u64,
}

impl<K: Hash + Eq + Clone, V, E, F> Table<K, V, E, F> {
    pub(crate) fn new(bounds: Bounds<K, V>) -> Self {
        Self {
            room: Room::default(),
            bounds,
            bytes: 0,
            flights: Map::default(),
            memos: Map::default(),
            setbacks: Map::default(),
            slots: Map::default(),
            most_slots: 64,
            agenda: Agenda::new(),
            outage: None,
            trusted: false,
            invalidated: None,
            released: Vec::new(),
            evicted: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.room.len + self.memos.len()
    }

    /// The outage of the source, while it is known.
    pub(crate) fn outage(&mut self, now: Tick) -> Option<&mut Outage> {
        self.outage.as_mut().filter(|outage| outage.is_known(now))
    }

    /// A refresh found that the source can't be asked.
    pub(crate) fn source_failed(&mut self, now: Tick) {
        match self.outage(now) {
            Some(outage) => outage.failed(now),
            None => self.outage = Some(Outage::new(now)),
        }
    }

    /// The source gave a response of any kind: every key may be refreshed.
    pub(crate) fn source_responded(&mut self) {
        self.outage = None;
    }

    pub(crate) fn slot(&self, key: &K) -> Option<Arc<Slot<K, V>>> {
        self.slots.get(key)?.upgrade()
    }

    /// Lets go of the slots that have no handle any more, each time their number has doubled.
    pub(crate) fn tidy_slots(&mut self) {
        if self.slots.len() >= self.most_slots {
            self.slots.retain(|_, slot| slot.strong_count() > 0);
            self.most_slots = 2 * self.slots.len() + 64;
        }
    }

    /// The keys that somebody waits for news of.
    pub(crate) fn watched(&self) -> impl Iterator<Item = K> {
        let slots = self.slots.iter();
        let watched = slots.filter(|(_, slot)| slot.upgrade().is_some_and(|s| s.is_watched()));
        watched.map(|(key, _)| key.clone())
    }

    pub(crate) fn is_watched(&self, key: &K) -> bool {
        self.slot(key).is_some_and(|slot| slot.is_watched())
    }

    /// Puts a value in, and lets others go for it where bounds ask for that. One that is heavier
    /// than all together may be is not held.
    pub(crate) fn put(&mut self, values: &Values<K, V>, stored: &Arc<Stored<K, V>>) {
        self.memos.remove(&stored.key);
        self.setbacks.remove(&stored.key);
        if let Some(slot) = self.slot(&stored.key) {
            self.released.extend(slot.put(stored));
        }
        let weight = self.weigh(stored);
        if weight > self.bounds.bytes {
            self.evicted += 1;
            return self.forget(values, &stored.key);
        }
        let old = values.put(&mut self.room, Arc::clone(stored));
        self.bytes = self.bytes.saturating_add(weight);
        self.release(old);
        self.make_room(values, &stored.key);
    }

    /// Remembers what became of a key without a value.
    pub(crate) fn note(&mut self, values: &Values<K, V>, key: &K, memo: Memo<E>) {
        self.memos.insert(key.clone(), memo);
        self.make_room(values, key);
    }

    /// Memos go first, or a caller that asks for what isn't there could push out what is.
    fn make_room(&mut self, values: &Values<K, V>, latest: &K) {
        while self.len() > self.bounds.entries || self.bytes > self.bounds.bytes {
            let memo = self.memos.keys().find(|key| *key != latest).cloned();
            if let Some(key) = memo.filter(|_| self.len() > self.bounds.entries) {
                self.memos.remove(&key);
            } else if let Some(evicted) = values.evict(&mut self.room, latest) {
                self.setbacks.remove(&evicted.key);
                self.end_slot(&evicted.key);
                self.evicted += 1;
                self.release(Some(evicted));
            } else {
                break;
            }
        }
    }

    /// Lets the value of `key` go, and what is known of its refreshes.
    pub(crate) fn forget(&mut self, values: &Values<K, V>, key: &K) {
        self.setbacks.remove(key);
        self.end_slot(key);
        let removed = values.remove(&mut self.room, key);
        self.release(removed);
    }

    fn end_slot(&mut self, key: &K) {
        let old = self.slot(key).and_then(|slot| slot.forget());
        self.released.extend(old);
    }

    fn release(&mut self, stored: Option<Arc<Stored<K, V>>>) {
        if let Some(stored) = &stored {
            self.bytes = self.bytes.saturating_sub(self.weigh(stored));
        }
        self.released.extend(stored);
    }

    fn weigh(&self, stored: &Stored<K, V>) -> usize {
        (self.bounds.weigh)(&stored.key, &stored.value)
    }

    /// Forgets everything but the loads in flight, and what is watched.
    pub(crate) fn clear(&mut self, values: &Values<K, V>) {
        let all = values.empty(&mut self.room);
        for stored in &all {
            self.end_slot(&stored.key);
        }
        self.released.extend(all);
        (self.memos, self.setbacks, self.bytes) = (Map::default(), Map::default(), 0);
        self.agenda.clear();
    }

    /// When the first value is looked at again after this one was put in.
    pub(crate) fn scan_by(&mut self, edge: Tick) {
        self.agenda.scan = self.agenda.scan.min(edge);
    }
}
