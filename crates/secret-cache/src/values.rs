//! All values: read without a lock, by one search of one array; written by whoever holds the lock
//! that `Room` is behind.
//!
//! The array grows by steps of 64. The small ones stay, empty: readers may be searching them, and
//! together they are a sixtieth of the last.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash as HashKey};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, OnceLock};

use crate::level::{Hash, Level};
use crate::stored::{Released, Stored};
use crate::sync::{AtomicUsize, Guard, RandomState};

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

    /// Puts a value in; gives back the one that its key had.
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
        self.roomy(room).insert(hash, stored);
        None
    }

    /// The array that has room for as many as there are: at most four fifths are taken.
    fn roomy(&self, room: &mut Room) -> &Level<K, V> {
        let mut index = self.current.load(Acquire);
        let mut level = self.array(index);
        while room.len > level.places() / 5 * 4 && level.places() < self.most {
            index += 1;
            let larger = self.array(index);
            level.empty().into_iter().for_each(|old| larger.insert(self.hash(&old.key), old));
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
    /// the second chance of the clock algorithm. Only the writer pays for it.
    /// Never the one that room is made for.
    pub(crate) fn evict(&self, room: &mut Room, latest: &K) -> Option<Arc<Stored<K, V>>> {
        let level = self.level()?;
        for _ in 0..2 * level.places() {
            let place = room.hand;
            room.hand = (place + 1) % level.places();
            match level.at(place) {
                Some(stored) if stored.key == *latest => {}
                Some(stored) if stored.marks().is_seen() => stored.forget_seen(),
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

    /// Looks at every value, without the lock.
    pub(crate) fn each(&self, mut look: impl FnMut(&Stored<K, V>)) {
        let Some(level) = self.level() else { return };
        for guard in (0..level.places()).filter_map(|place| level.guard(place)) {
            guard.get().into_iter().for_each(|stored| look(stored));
        }
    }
}
