//! An ordered map of entries.

use std::collections::HashMap;

use super::node::{Entry, Value};

/// Entries with distinct keys, in the order in which the keys were first inserted, like a Python
/// dictionary.
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) entries: Vec<Entry>,
    positions: HashMap<Value, usize>,
}

impl Pairs {
    pub(super) fn get_mut(&mut self, key: &Value) -> Option<&mut Entry> {
        self.entries.get_mut(*self.positions.get(key)?)
    }

    /// Inserts an entry and returns the one that it replaces.
    pub(super) fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let position = *self.positions.entry(entry.key.clone()).or_insert(self.entries.len());
        if let Some(existing) = self.entries.get_mut(position) {
            return Some(std::mem::replace(existing, entry));
        }
        self.entries.push(entry);
        None
    }
}
