//! The results of the last forced loads, of which a repeat within a second receives one.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use crate::map::sync::RandomState;
use crate::policy::{ForcedRecord, Tick, is_recent};

/// The minimum number of records before those that are no longer recent are removed.
const MIN_RECORDS_TO_PRUNE: usize = 64;

/// The last forced load of each key.
pub(crate) struct ForcedRecords<K, E> {
    records: HashMap<K, ForcedRecord<E>, RandomState>,
    prune_at: usize,
}

impl<K: Hash + Eq, E> ForcedRecords<K, E> {
    pub(crate) fn new() -> Self {
        Self { records: HashMap::default(), prune_at: MIN_RECORDS_TO_PRUNE }
    }

    /// Returns the record of `key` while it is recent.
    pub(crate) fn get(&self, key: &K, now: Tick) -> Option<&ForcedRecord<E>> {
        self.records.get(key).filter(|record| is_recent(record.began_at, now))
    }

    /// Adds a record. Removes old ones each time the number of records has doubled.
    pub(crate) fn insert(&mut self, key: K, record: ForcedRecord<E>, now: Tick) {
        if self.records.len() >= self.prune_at {
            self.prune(now);
            self.prune_at = 2 * self.records.len() + MIN_RECORDS_TO_PRUNE;
        }
        self.records.insert(key, record);
    }

    /// Removes the records that are no longer recent.
    pub(crate) fn prune(&mut self, now: Tick) {
        self.records.retain(|_, record| is_recent(record.began_at, now));
    }

    /// Removes the record of a key that was written.
    pub(crate) fn remove<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.records.remove(key);
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
    }
}
