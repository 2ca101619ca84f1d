//! One array of places, open addressing with linear probing: read by anybody, written by one.
//!
//! Readers take no lock. What they find is right because the key stands beside the value; what they
//! don't find, because an entry was just being moved, they look for again under the writer's lock.

use std::borrow::Borrow;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::map::entry::Stored;
use crate::map::sync::{AtomicU16, Cell, Guard};

pub(crate) struct Level<K, V> {
    /// Sixteen bits of each entry's hash, never zero; zero for a place that ends a search.
    tags: Box<[AtomicU16]>,
    cells: Box<[Cell<Stored<K, V>>]>,
}

/// A key's hash, used twice: its upper half says where a search begins, its lower end what to compare.
#[derive(Clone, Copy)]
pub(crate) struct Hash(pub(crate) u64);

impl Hash {
    #[expect(clippy::cast_possible_truncation, reason = "sixteen bits are wanted")]
    fn tag(self) -> u16 {
        self.0 as u16 | 1
    }
}

impl<K: Eq, V> Level<K, V> {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            tags: (0..places).map(|_| AtomicU16::new(0)).collect(),
            cells: (0..places).map(|_| Cell::empty()).collect(),
        }
    }

    pub(crate) fn places(&self) -> usize {
        self.tags.len()
    }

    /// Where a search begins: the hash as a fraction of the array.
    #[expect(clippy::cast_possible_truncation, reason = "less than the array's length")]
    fn home(&self, hash: Hash) -> usize {
        ((u128::from(hash.0) * self.tags.len() as u128) >> 64) as usize
    }

    fn after(&self, place: usize) -> usize {
        if place + 1 == self.tags.len() { 0 } else { place + 1 }
    }

    /// The entry of `key` and its place.
    #[inline]
    pub(crate) fn find<Q>(&self, hash: Hash, key: &Q) -> Option<(usize, Guard<Stored<K, V>>)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut place = self.home(hash);
        for _ in 0..self.tags.len() {
            let tag = self.tags.get(place)?.load(Acquire);
            if tag == hash.tag() {
                let guard = self.cells.get(place)?.load();
                if guard.get().is_some_and(|stored| stored.key.borrow() == key) {
                    return Some((place, guard));
                }
            } else if tag == 0 {
                return None;
            }
            place = self.after(place);
        }
        None
    }

    /// What stands at a place.
    pub(crate) fn guard(&self, place: usize) -> Option<Guard<Stored<K, V>>> {
        self.cells.get(place).map(Cell::load)
    }

    pub(crate) fn at(&self, place: usize) -> Option<Arc<Stored<K, V>>> {
        self.guard(place)?.get().map(Arc::clone)
    }

    /// Puts an entry at a place where one of the same key stands, or none.
    pub(crate) fn set(
        &self,
        place: usize,
        hash: Hash,
        stored: Arc<Stored<K, V>>,
    ) -> Option<Arc<Stored<K, V>>> {
        let old = self.cells.get(place)?.swap(Some(stored));
        self.tags.get(place)?.store(hash.tag(), Release);
        old
    }

    /// Puts in an entry whose key has none; returns it if the array is full.
    pub(crate) fn insert(
        &self,
        hash: Hash,
        stored: Arc<Stored<K, V>>,
    ) -> Option<Arc<Stored<K, V>>> {
        let mut place = self.home(hash);
        for _ in 0..self.tags.len() {
            if self.tags.get(place).is_some_and(|tag| tag.load(Acquire) == 0) {
                return self.set(place, hash, stored);
            }
            place = self.after(place);
        }
        Some(stored)
    }

    /// Takes the entry at a place out, and moves what stands behind it up: no gap ends a search too
    /// early. Each entry is at its new place before it leaves the old one.
    pub(crate) fn remove(
        &self,
        place: usize,
        hash_of: impl Fn(&K) -> Hash,
    ) -> Option<Arc<Stored<K, V>>> {
        let removed = self.cells.get(place)?.swap(None);
        let (mut gap, mut next) = (place, self.after(place));
        while let Some(stored) = self.at(next) {
            let hash = hash_of(&stored.key);
            if self.distance(self.home(hash), next) >= self.distance(gap, next) {
                self.set(gap, hash, stored);
                gap = next;
            }
            next = self.after(next);
            if next == place {
                break;
            }
        }
        self.vacate(gap);
        removed
    }

    fn vacate(&self, place: usize) {
        if let (Some(tag), Some(cell)) = (self.tags.get(place), self.cells.get(place)) {
            tag.store(0, Release);
            cell.swap(None);
        }
    }

    /// How many steps a search takes from one place to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.tags.len() - from }
    }

    /// Takes everything out.
    pub(crate) fn empty(&self) -> Vec<Arc<Stored<K, V>>> {
        for tag in &self.tags {
            tag.store(0, Release);
        }
        self.cells.iter().filter_map(|cell| cell.swap(None)).collect()
    }
}
