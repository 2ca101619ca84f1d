//! All values: read without a lock, by one search of one array; written by whoever holds the lock
//! that `Room` is behind.
//!
//! The array grows by steps of 64. The small ones stay, empty: readers may be searching them, and
//! together they are a sixtieth of the last.

pub(crate) mod clock;
pub(crate) mod entry;
mod raw_table;
pub(crate) mod sync;

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash as HashKey};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, OnceLock};

use crate::map::entry::{Released, Stored};
use crate::map::raw_table::{Hash, Level};
use crate::map::sync::{AtomicUsize, Guard, RandomState};

/// Places of the first array: enough for a program that reads a few keys.
const FIRST: usize = 64;

/// 64 · 64⁹ is 2⁶⁰.
const LEVELS: usize = 10;

/// All values of a cache.
pub(crate) struct Values<K, V> {
    levels: [OnceLock<Level<K, V>>; LEVELS],
    current: AtomicUsize,
    /// Seeded: who chooses keys can't choose where they collide.
    hasher: RandomState,
    /// Places of the last array: what the bound on entries needs, a fifth of it free.
    most: usize,
}

/// What only the writer knows; it stands behind the writer's lock.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) len: usize,
    hand: usize,
}

impl<K: HashKey + Eq, V> Values<K, V> {
    pub(crate) fn new(max_entries: usize) -> Self {
        Self {
            levels: [const { OnceLock::new() }; LEVELS],
            current: AtomicUsize::new(0),
            hasher: RandomState::default(),
            most: max_entries.saturating_add(max_entries / 4).saturating_add(1),
        }
    }

    fn hash<Q: HashKey + ?Sized>(&self, key: &Q) -> Hash {
        Hash(self.hasher.hash_one(key))
    }

    #[inline(always)]
    fn level(&self) -> Option<&Level<K, V>> {
        self.levels.get(self.current.load(Acquire))?.get()
    }

    /// The value of `key`. Without the writer's lock it may miss one that is just being moved.
    #[inline(always)]
    pub(crate) fn find<Q>(&self, key: &Q) -> Option<Guard<Stored<K, V>>>
    where
        K: Borrow<Q>,
        Q: HashKey + Eq + ?Sized,
    {
        self.level()?.find(self.hash(key), key).map(|(_, guard)| guard)
    }

    /// Puts a value in; returns the one that its key had, or this one if there is no room.
    pub(crate) fn put(
        &self,
        room: &mut Room,
        stored: Arc<Stored<K, V>>,
    ) -> Option<Arc<Stored<K, V>>> {
        let hash = self.hash(&stored.key);
        if let Some(level) = self.level()
            && let Some((place, _)) = level.find(hash, &stored.key)
        {
            return level.set(place, hash, stored);
        }
        room.len += 1;
        let refused = self.roomy(room).insert(hash, stored);
        room.len -= usize::from(refused.is_some());
        refused
    }

    /// The array that has room for as many as there are: at most four fifths are taken.
    fn roomy(&self, room: &mut Room) -> &Level<K, V> {
        let mut index = self.current.load(Acquire);
        let mut level = self.array(index);
        while room.len > level.places() / 5 * 4 && level.places() < self.most {
            index += 1;
            let larger = self.array(index);
            // A larger array has room for all of them.
            level.empty().into_iter().for_each(|old| drop(larger.insert(self.hash(&old.key), old)));
            self.current.store(index, Release);
            room.hand = 0;
            level = larger;
        }
        level
    }

    fn array(&self, index: usize) -> &Level<K, V> {
        let places = (0..index).fold(FIRST, |places, _| places.saturating_mul(64)).min(self.most);
        let [.., last] = &self.levels;
        self.levels.get(index).unwrap_or(last).get_or_init(|| Level::new(places))
    }

    pub(crate) fn remove(&self, room: &mut Room, key: &K) -> Option<Arc<Stored<K, V>>> {
        let level = self.level()?;
        let (place, _) = level.find(self.hash(key), key)?;
        room.len -= 1;
        level.remove(place, |key| self.hash(key))
    }

    /// Takes out a value that nobody asked for since it was put in or since the hand came by last:
    /// the second chance of the clock algorithm. Only the writer pays for it. Never the one that
    /// room is made for.
    ///
    /// Readers may mark every value again while the hand goes round. In the third round it takes the
    /// first value that it finds, marked or not, so that this ends with room.
    pub(crate) fn evict(&self, room: &mut Room, latest: &K) -> Option<Arc<Stored<K, V>>> {
        let level = self.level()?;
        for step in 0..3 * level.places() {
            let is_last_round = step >= 2 * level.places();
            let place = room.hand;
            room.hand = (place + 1) % level.places();
            match level.at(place) {
                Some(stored) if stored.key == *latest => {}
                Some(stored) if stored.marks().is_seen() && !is_last_round => stored.forget_seen(),
                Some(_) => {
                    room.len -= 1;
                    return level.remove(place, |key| self.hash(key));
                }
                None => {}
            }
        }
        None
    }

    /// Takes everything out.
    pub(crate) fn empty(&self, room: &mut Room) -> Released<K, V> {
        *room = Room::default();
        self.level().map(Level::empty).unwrap_or_default()
    }

    /// Visits every value. `Room` proves that the caller holds the writer's lock: without it a value
    /// that is moved by a removal or by growth would be missed.
    pub(crate) fn each(&self, _: &Room, mut look: impl FnMut(&Stored<K, V>)) {
        let Some(level) = self.level() else { return };
        for guard in (0..level.places()).filter_map(|place| level.guard(place)) {
            guard.get().into_iter().for_each(|stored| look(stored));
        }
    }
}
