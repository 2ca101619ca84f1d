//! A hash table of fixed capacity with open addressing and linear probing, for many readers and one
//! writer.
//!
//! Readers take no lock. An entry that they find is right, because it contains its key. An entry
//! that is being moved may be missed, so readers repeat an unsuccessful search under the writers'
//! lock.

use std::borrow::Borrow;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::map::entry::Entry;
use crate::map::sync::{AtomicU16, Cell, Guard};

pub(crate) struct RawTable<K, V> {
    /// Sixteen bits of each entry's hash, never zero. Zero marks a free cell, which ends a search.
    tags: Box<[AtomicU16]>,
    cells: Box<[Cell<Entry<K, V>>]>,
}

/// The hash of a key. The upper bits determine where a search begins, the lowest ones are the tag.
#[derive(Clone, Copy)]
pub(crate) struct Hash(pub(crate) u64);

impl Hash {
    #[expect(clippy::cast_possible_truncation, reason = "the tag is the lowest sixteen bits")]
    fn tag(self) -> u16 {
        self.0 as u16 | 1
    }
}

impl<K: Eq, V> RawTable<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            tags: (0..capacity).map(|_| AtomicU16::new(0)).collect(),
            cells: (0..capacity).map(|_| Cell::empty()).collect(),
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.tags.len()
    }

    /// Returns where a search begins: the hash scaled to the capacity.
    #[expect(clippy::cast_possible_truncation, reason = "the result is less than the capacity")]
    fn home(&self, hash: Hash) -> usize {
        ((u128::from(hash.0) * self.tags.len() as u128) >> 64) as usize
    }

    fn next(&self, index: usize) -> usize {
        if index + 1 == self.tags.len() { 0 } else { index + 1 }
    }

    /// Returns the entry of `key` and its index.
    #[inline(always)]
    pub(crate) fn find<Q>(&self, hash: Hash, key: &Q) -> Option<(usize, Guard<Entry<K, V>>)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut index = self.home(hash);
        for _ in 0..self.tags.len() {
            let tag = self.tags.get(index)?.load(Acquire);
            if tag == hash.tag() {
                let guard = self.cells.get(index)?.load();
                if guard.get().is_some_and(|entry| entry.key.borrow() == key) {
                    return Some((index, guard));
                }
            } else if tag == 0 {
                return None;
            }
            index = self.next(index);
        }
        None
    }

    pub(crate) fn guard(&self, index: usize) -> Option<Guard<Entry<K, V>>> {
        self.cells.get(index).map(Cell::load)
    }

    pub(crate) fn entry(&self, index: usize) -> Option<Arc<Entry<K, V>>> {
        self.guard(index)?.get().map(Arc::clone)
    }

    /// Sets the entry of a cell that is free or contains an entry of the same key. Returns the
    /// previous entry.
    pub(crate) fn set(
        &self,
        index: usize,
        hash: Hash,
        entry: Arc<Entry<K, V>>,
    ) -> Option<Arc<Entry<K, V>>> {
        let old = self.cells.get(index)?.swap(Some(entry));
        self.tags.get(index)?.store(hash.tag(), Release);
        old
    }

    /// Inserts the entry of a key that has none. Returns the entry if the table is full.
    pub(crate) fn insert(&self, hash: Hash, entry: Arc<Entry<K, V>>) -> Option<Arc<Entry<K, V>>> {
        let mut index = self.home(hash);
        for _ in 0..self.tags.len() {
            if self.tags.get(index).is_some_and(|tag| tag.load(Acquire) == 0) {
                return self.set(index, hash, entry);
            }
            index = self.next(index);
        }
        Some(entry)
    }

    /// Removes an entry and closes the gap with those that follow, so that no search ends too
    /// early. Each of them is stored in its new cell before it leaves the old one.
    pub(crate) fn remove(
        &self,
        index: usize,
        hash_of: impl Fn(&K) -> Hash,
    ) -> Option<Arc<Entry<K, V>>> {
        let removed = self.cells.get(index)?.swap(None);
        let (mut gap, mut next) = (index, self.next(index));
        while let Some(entry) = self.entry(next) {
            let hash = hash_of(&entry.key);
            if self.distance(self.home(hash), next) >= self.distance(gap, next) {
                self.set(gap, hash, entry);
                gap = next;
            }
            next = self.next(next);
            if next == index {
                break;
            }
        }
        self.vacate(gap);
        removed
    }

    fn vacate(&self, index: usize) {
        if let (Some(tag), Some(cell)) = (self.tags.get(index), self.cells.get(index)) {
            tag.store(0, Release);
            cell.swap(None);
        }
    }

    /// Returns the number of steps that a search takes from one cell to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.tags.len() - from }
    }

    /// Removes all entries.
    pub(crate) fn drain(&self) -> Vec<Arc<Entry<K, V>>> {
        for tag in &self.tags {
            tag.store(0, Release);
        }
        self.cells.iter().filter_map(|cell| cell.swap(None)).collect()
    }
}
