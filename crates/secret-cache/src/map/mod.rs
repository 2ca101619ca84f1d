//! A concurrent map of the entries. Readers take no lock and search one table. Writers are
//! serialized by the caller, whose lock protects the [`WriterState`].
//!
//! The table grows by factors of 64. Smaller tables are kept, empty, because readers may still be
//! searching them. Together they take a sixtieth of the memory of the last one.

pub(crate) mod clock;
pub(crate) mod entry;
mod raw_table;
pub(crate) mod sync;

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash as HashKey};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, OnceLock};

use crate::map::entry::{Entry, Released};
use crate::map::raw_table::{Hash, RawTable};
use crate::map::sync::{AtomicUsize, Guard, RandomState};

/// The capacity of the first table, enough for a program that reads a few keys.
const INITIAL_CAPACITY: usize = 64;

/// The maximum number of tables: 64 · 64⁹ is 2⁶⁰.
const MAX_TABLES: usize = 10;

/// A way to find the entry of one key without a lock.
///
/// A trait rather than a closure, because only a function can be inlined always.
pub(crate) trait Find<K, V> {
    /// Returns the entry, whatever its age.
    fn find(self) -> Option<Guard<Entry<K, V>>>;
}

/// A map that is read without a lock.
pub(crate) struct ConcurrentMap<K, V> {
    tables: [OnceLock<RawTable<K, V>>; MAX_TABLES],
    current: AtomicUsize,
    /// Seeded, so that collisions can't be provoked by a choice of keys.
    hasher: RandomState,
    /// The capacity of the last table: the maximum number of entries, with a fifth of it free.
    max_capacity: usize,
}

/// The state of the map that only its writer uses. The caller keeps it behind the writers' lock.
#[derive(Default)]
pub(crate) struct WriterState {
    pub(crate) len: usize,
    /// The position of the eviction's clock hand.
    hand: usize,
}

/// A position in a walk over all entries.
#[derive(Default)]
pub(crate) struct Cursor {
    table: usize,
    index: usize,
}

impl<K: HashKey + Eq, V> ConcurrentMap<K, V> {
    pub(crate) fn new(max_entries: usize) -> Self {
        Self {
            tables: [const { OnceLock::new() }; MAX_TABLES],
            current: AtomicUsize::new(0),
            hasher: RandomState::default(),
            max_capacity: max_entries.saturating_add(max_entries / 4).saturating_add(1),
        }
    }

    #[inline(always)]
    fn hash<Q: HashKey + ?Sized>(&self, key: &Q) -> Hash {
        Hash(self.hasher.hash_one(key))
    }

    #[inline(always)]
    fn current_table(&self) -> Option<&RawTable<K, V>> {
        self.tables.get(self.current.load(Acquire))?.get()
    }

    /// Returns the entry of `key`. Without the writers' lock it may miss one that is being moved.
    #[inline(always)]
    pub(crate) fn find<Q>(&self, key: &Q) -> Option<Guard<Entry<K, V>>>
    where
        K: Borrow<Q>,
        Q: HashKey + Eq + ?Sized,
    {
        self.current_table()?.find(self.hash(key), key).map(|(_, guard)| guard)
    }

    /// Inserts an entry. Returns the previous entry of its key, or the new one if there is no room.
    pub(crate) fn insert(
        &self,
        writer: &mut WriterState,
        entry: Arc<Entry<K, V>>,
    ) -> Option<Arc<Entry<K, V>>> {
        let hash = self.hash(&entry.key);
        if let Some(table) = self.current_table()
            && let Some((index, _)) = table.find(hash, &entry.key)
        {
            return table.set(index, hash, entry);
        }
        writer.len += 1;
        let rejected = self.grow_for(writer).insert(hash, entry);
        writer.len -= usize::from(rejected.is_some());
        rejected
    }

    /// Returns the table after it has grown for `writer.len` entries, which take at most four
    /// fifths of its capacity.
    fn grow_for(&self, writer: &mut WriterState) -> &RawTable<K, V> {
        let mut index = self.current.load(Acquire);
        let mut table = self.table(index);
        while writer.len > table.capacity() / 5 * 4 && table.capacity() < self.max_capacity {
            index += 1;
            let larger = self.table(index);
            // A larger table has room for all of them.
            table.drain().into_iter().for_each(|old| drop(larger.insert(self.hash(&old.key), old)));
            self.current.store(index, Release);
            writer.hand = 0;
            table = larger;
        }
        table
    }

    /// Returns a table by its index, and allocates it if necessary.
    fn table(&self, index: usize) -> &RawTable<K, V> {
        let capacity = (0..index).fold(INITIAL_CAPACITY, |capacity, _| capacity.saturating_mul(64));
        let capacity = capacity.min(self.max_capacity);
        let [.., last] = &self.tables;
        self.tables.get(index).unwrap_or(last).get_or_init(|| RawTable::new(capacity))
    }

    pub(crate) fn remove<Q>(&self, writer: &mut WriterState, key: &Q) -> Option<Arc<Entry<K, V>>>
    where
        K: Borrow<Q>,
        Q: HashKey + Eq + ?Sized,
    {
        let table = self.current_table()?;
        let (index, _) = table.find(self.hash(key), key)?;
        writer.len -= 1;
        table.remove(index, |key| self.hash(key))
    }

    /// Removes an entry by the CLOCK algorithm: one that wasn't accessed since it was inserted or
    /// since the hand last passed it, and never that of `latest`, for which room is made.
    ///
    /// Readers may set the accessed flag of every entry again while the hand moves. In the third
    /// round the hand ignores the flag, so that this always makes room.
    pub(crate) fn evict(&self, writer: &mut WriterState, latest: &K) -> Option<Arc<Entry<K, V>>> {
        let table = self.current_table()?;
        for step in 0..3 * table.capacity() {
            let is_last_round = step >= 2 * table.capacity();
            let index = writer.hand;
            writer.hand = (index + 1) % table.capacity();
            match table.entry(index) {
                Some(entry) if entry.key == *latest => {}
                Some(entry) if entry.flags().is_accessed() && !is_last_round => {
                    entry.clear_accessed();
                }
                Some(_) => {
                    writer.len -= 1;
                    return table.remove(index, |key| self.hash(key));
                }
                None => {}
            }
        }
        None
    }

    /// Removes all entries.
    pub(crate) fn drain(&self, writer: &mut WriterState) -> Released<K, V> {
        *writer = WriterState::default();
        self.current_table().map(RawTable::drain).unwrap_or_default()
    }

    /// Returns the entries of the next `count` cells, or `None` after the last cell. If the map has
    /// grown, the walk begins anew.
    ///
    /// The [`WriterState`] proves that the caller holds the writers' lock. If the lock is released
    /// between two calls, entries that are moved in the meantime may be missed or found twice.
    pub(crate) fn next_entries(
        &self,
        _: &WriterState,
        cursor: &mut Cursor,
        count: usize,
    ) -> Option<Released<K, V>> {
        let table = self.current_table()?;
        let current = self.current.load(Acquire);
        if cursor.table != current {
            *cursor = Cursor { table: current, index: 0 };
        }
        let start = cursor.index;
        cursor.index = start.saturating_add(count).min(table.capacity());
        let cells = start..cursor.index;
        (!cells.is_empty()).then(|| cells.filter_map(|index| table.entry(index)).collect())
    }

    /// Visits all entries. The [`WriterState`] proves that the caller holds the writers' lock,
    /// without which an entry that is moved by a removal or by growth could be missed.
    pub(crate) fn for_each(&self, _: &WriterState, mut visit: impl FnMut(&Entry<K, V>)) {
        let Some(table) = self.current_table() else { return };
        for guard in (0..table.capacity()).filter_map(|index| table.guard(index)) {
            guard.get().into_iter().for_each(|entry| visit(entry));
        }
    }
}
