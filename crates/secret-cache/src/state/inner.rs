//! The part of the state that is behind the lock: loads in flight, failures, slots, limits and the
//! wakeup schedule.
//!
//! Entries that are removed are collected in `released` and dropped after the lock is released.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};

use crate::error::Error;
use crate::map::entry::{Entry, Released};
use crate::map::sync::RandomState;
use crate::map::{ConcurrentMap, WriterState};
use crate::policy::{FailureRecord, Outage, Tick};
use crate::state::forced::ForcedRecords;
use crate::state::in_flight::{LoadsInFlight, PendingLoad};
use crate::state::outcome::LoadReason;
use crate::state::schedule::WakeupSchedule;
use crate::state::slot::Slot;

type Map<K, T> = HashMap<K, T, RandomState>;

/// The minimum number of slots before those without handles are removed.
const MIN_SLOTS_TO_PRUNE: usize = 64;

/// The limits on what is held in memory.
#[derive(Clone, Copy)]
pub(crate) struct Limits<K, V> {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
    /// Returns the weight of an entry, which must not change.
    pub(crate) weigh: fn(&K, &V) -> usize,
}

/// The locked part of the state.
pub(crate) struct Inner<K, V, E, F> {
    pub(crate) writer: WriterState,
    limits: Limits<K, V>,
    bytes: usize,
    pub(crate) in_flight: LoadsInFlight<K, F>,
    pub(crate) forced: ForcedRecords<K, E>,
    /// The failures of keys without a value.
    pub(crate) failures: Map<K, FailureRecord<E>>,
    /// The failed refreshes of keys with a value.
    pub(crate) refresh_failures: Map<K, FailureRecord<E>>,
    slots: Map<K, Weak<Slot<K, V>>>,
    prune_slots_at: usize,
    pub(crate) schedule: WakeupSchedule<K>,
    /// The last outage of the source, unless it has responded since.
    outage: Option<Outage<E>>,
    /// The key whose load is the last probe.
    probing: Option<K>,
    /// Whether hits may skip the clock, because a refresher sets the flags of entries in time.
    pub(crate) hits_skip_clock: bool,
    /// When a key was last invalidated.
    pub(crate) last_invalidated: Option<Tick>,
    pub(crate) released: Released<K, V>,
    /// The number of evictions in this operation.
    pub(crate) evicted: u64,
}

impl<K, V, E, F> Inner<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    pub(crate) fn new(limits: Limits<K, V>) -> Self {
        Self {
            writer: WriterState::default(),
            limits,
            bytes: 0,
            in_flight: LoadsInFlight::new(),
            forced: ForcedRecords::new(),
            failures: Map::default(),
            refresh_failures: Map::default(),
            slots: Map::default(),
            prune_slots_at: MIN_SLOTS_TO_PRUNE,
            schedule: WakeupSchedule::new(),
            outage: None,
            probing: None,
            hits_skip_clock: false,
            last_invalidated: None,
            released: Vec::new(),
            evicted: 0,
        }
    }

    /// Returns the number of keys that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.writer.len + self.failures.len()
    }

    /// Returns the total weight of the entries.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the outage of the source, while it is known.
    pub(crate) fn outage(&mut self, now: Tick) -> Option<&mut Outage<E>> {
        self.outage.as_mut().filter(|outage| outage.is_known(now))
    }

    /// Records that a refresh failed because the source is unavailable.
    pub(crate) fn source_failed(&mut self, error: Error<E>, now: Tick) {
        match self.outage(now) {
            Some(outage) => outage.failed(error, now),
            None => self.outage = Some(Outage::new(error, now)),
        }
    }

    /// Returns the reason of a refresh that starts now, which is a probe during an outage.
    pub(crate) fn refresh_reason(&mut self, key: &K, now: Tick) -> LoadReason {
        let Some(outage) = self.outage(now) else { return LoadReason::Refresh };
        outage.probed(now);
        self.probing = Some(key.clone());
        LoadReason::Probe
    }

    /// Returns the waiter of the probe in flight during an outage.
    pub(crate) fn probe_in_flight(&mut self, now: Tick) -> Option<F::Waiter> {
        self.outage(now)?;
        Some(self.in_flight.get(self.probing.as_ref()?)?.load.waiter())
    }

    /// Returns the error of the source while it may not be probed.
    pub(crate) fn outage_before_next_probe(&mut self, now: Tick) -> Option<Error<E>> {
        let outage = self.outage(now).filter(|outage| now < outage.next_probe)?;
        Some(outage.error.clone())
    }

    /// Records that the source responded, so that every key may be refreshed.
    pub(crate) fn source_responded(&mut self) {
        self.outage = None;
    }

    pub(crate) fn slot<Q>(&self, key: &Q) -> Option<Arc<Slot<K, V>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.slots.get(key)?.upgrade()
    }

    pub(crate) fn add_slot(&mut self, key: K, slot: &Arc<Slot<K, V>>) {
        self.prune_slots();
        self.slots.insert(key, Arc::downgrade(slot));
    }

    /// Removes the slots without handles each time the number of slots has doubled.
    fn prune_slots(&mut self) {
        if self.slots.len() >= self.prune_slots_at {
            self.slots.retain(|_, slot| slot.strong_count() > 0);
            self.prune_slots_at = 2 * self.slots.len() + MIN_SLOTS_TO_PRUNE;
        }
    }

    /// Returns the keys for which a caller awaits changes.
    pub(crate) fn watched(&self) -> impl Iterator<Item = K> {
        let slots = self.slots.iter();
        let watched = slots.filter(|(_, slot)| slot.upgrade().is_some_and(|s| s.is_watched()));
        watched.map(|(key, _)| key.clone())
    }

    pub(crate) fn is_watched(&self, key: &K) -> bool {
        self.slot(key).is_some_and(|slot| slot.is_watched())
    }

    /// Returns the key in its owned form if a caller awaits its changes.
    pub(crate) fn watched_key<Q>(&self, key: &Q) -> Option<K>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (key, slot) = self.slots.get_key_value(key)?;
        slot.upgrade()?.is_watched().then(|| key.clone())
    }

    /// Inserts an entry, and evicts others if the limits require it. An entry that exceeds the byte
    /// limit on its own is not kept.
    pub(crate) fn insert(&mut self, entries: &ConcurrentMap<K, V>, entry: &Arc<Entry<K, V>>) {
        self.failures.remove(&entry.key);
        self.refresh_failures.remove(&entry.key);
        if let Some(slot) = self.slot(&entry.key) {
            self.released.extend(slot.set(entry));
        }
        let weight = self.weigh(entry);
        if weight > self.limits.bytes {
            self.evicted += 1;
            return self.remove(entries, &entry.key);
        }
        let old = entries.insert(&mut self.writer, Arc::clone(entry));
        self.bytes = self.bytes.saturating_add(weight);
        self.release(old);
        self.evict_excess(entries, &entry.key);
    }

    /// Records the failure of a key without a value.
    pub(crate) fn record_failure(
        &mut self,
        entries: &ConcurrentMap<K, V>,
        key: &K,
        failure: FailureRecord<E>,
    ) {
        self.failures.insert(key.clone(), failure);
        self.evict_excess(entries, key);
    }

    /// Evicts until the limits are met, but never `latest`. Failures are evicted first, so that
    /// reads of missing keys can't evict values.
    fn evict_excess(&mut self, entries: &ConcurrentMap<K, V>, latest: &K) {
        while self.len() > self.limits.entries || self.bytes > self.limits.bytes {
            let failure = self.failures.keys().find(|key| *key != latest).cloned();
            if let Some(key) = failure.filter(|_| self.len() > self.limits.entries) {
                self.failures.remove(&key);
            } else if let Some(evicted) = entries.evict(&mut self.writer, latest) {
                self.refresh_failures.remove(&evicted.key);
                self.clear_slot(&evicted.key);
                self.evicted += 1;
                self.release(Some(evicted));
            } else {
                break;
            }
        }
    }

    /// Removes the entry of `key` and the record of its refreshes.
    pub(crate) fn remove<Q>(&mut self, entries: &ConcurrentMap<K, V>, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.refresh_failures.remove(key);
        self.clear_slot(key);
        let removed = entries.remove(&mut self.writer, key);
        self.release(removed);
    }

    fn clear_slot<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let old = self.slot(key).and_then(|slot| slot.clear());
        self.released.extend(old);
    }

    fn release(&mut self, entry: Option<Arc<Entry<K, V>>>) {
        if let Some(entry) = &entry {
            self.bytes = self.bytes.saturating_sub(self.weigh(entry));
        }
        self.released.extend(entry);
    }

    fn weigh(&self, entry: &Entry<K, V>) -> usize {
        (self.limits.weigh)(&entry.key, &entry.value)
    }

    /// Removes everything except loads in flight and slots.
    pub(crate) fn clear(&mut self, entries: &ConcurrentMap<K, V>) {
        let all = entries.drain(&mut self.writer);
        for entry in &all {
            self.clear_slot(&entry.key);
        }
        self.released.extend(all);
        (self.failures, self.refresh_failures) = (Map::default(), Map::default());
        self.forced.clear();
        self.bytes = 0;
        self.schedule.clear();
    }
}
