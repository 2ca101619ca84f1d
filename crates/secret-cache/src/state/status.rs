//! The status of all keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::map::Cursor;
use crate::map::entry::Entry;
use crate::policy::{Freshness, Tick};
use crate::state::State;
use crate::state::in_flight::PendingLoad;
use crate::state::inner::Inner;
use crate::status::{KeyState, KeyStatus, Status};

/// The number of cells of the map that are visited while the lock is held once.
const CHUNK: usize = 512;

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    /// Returns the status at `now`, with counts of zero for hits and misses.
    ///
    /// The lock is released between chunks of the map, so that other operations don't wait for the
    /// whole walk. An entry that they move in the meantime may be missing.
    pub(crate) fn status(&self, now: Tick) -> Status<K, E> {
        let (mut keys, mut cursor) = (HashMap::new(), Cursor::default());
        loop {
            let mut inner = self.lock();
            let Some(entries) = self.entries.next_entries(&inner.writer, &mut cursor, CHUNK) else {
                self.add_keys_without_value(&inner, now, &mut keys);
                let (entries, bytes) = (inner.len(), inner.bytes());
                return Status { keys, entries, bytes, hits: 0, misses: 0 };
            };
            let statuses = entries.iter().map(|entry| self.entry_status(&mut inner, entry, now));
            let statuses: Vec<_> = statuses.collect();
            drop(inner);
            let keys_of_chunk = entries.iter().map(|entry| entry.key.clone());
            let statuses = keys_of_chunk.zip(statuses);
            keys.extend(statuses.filter_map(|(key, status)| Some((key, status?))));
        }
    }

    /// Returns the status of an entry, unless it has expired.
    fn entry_status(
        &self,
        inner: &mut Inner<K, V, E, F>,
        entry: &Entry<K, V>,
        now: Tick,
    ) -> Option<KeyStatus<E>> {
        let state = match entry.freshness(&self.policy(), now) {
            Freshness::Fresh | Freshness::Due => KeyState::Fresh,
            Freshness::Overdue => KeyState::Stale,
            Freshness::Expired => return None,
        };
        let due = entry.refresh_at(&self.policy());
        let probe = inner.outage(now).map(|outage| outage.next_probe);
        let failure = inner.refresh_failures.get(&entry.key);
        let blocked_until = failure.map(|failure| failure.retry_at).max(probe);
        Some(KeyStatus {
            state,
            version: Some(entry.version),
            age: Some(between(entry.loaded_at, now)),
            refresh_in: Some(between(now, blocked_until.unwrap_or(0).max(due))),
            error: failure.and_then(|failure| failure.last_error().cloned()),
        })
    }

    /// Adds the keys whose last load failed, and those that are being loaded.
    fn add_keys_without_value(
        &self,
        inner: &Inner<K, V, E, F>,
        now: Tick,
        keys: &mut HashMap<K, KeyStatus<E>>,
    ) {
        let status = |state, refresh_in, error| KeyStatus {
            state,
            version: None,
            age: None,
            refresh_in,
            error,
        };
        for (key, failure) in &inner.failures {
            if let Some(error) = failure.error(now) {
                let retry_in = Some(between(now, failure.retry_at));
                keys.insert(key.clone(), status(KeyState::Negative, retry_in, Some(error)));
            }
        }
        for key in inner.in_flight.keys().filter(|key| self.entries.find(*key).is_none()) {
            keys.insert(key.clone(), status(KeyState::Loading, None, None));
        }
    }
}

/// Returns the time from one tick to a later one.
fn between(from: Tick, to: Tick) -> Duration {
    Duration::from_nanos(to.saturating_sub(from))
}
