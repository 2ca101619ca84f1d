//! When the refresher has to wake up: a time for each scheduled key, and the time of the next scan.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::map::sync::RandomState;
use crate::policy::Tick;

/// The schedule of the refresher.
pub(crate) struct WakeupSchedule<K> {
    queue: BTreeMap<(Tick, u64), K>,
    /// The position of each key in the queue, where it is once.
    positions: HashMap<K, (Tick, u64), RandomState>,
    /// Makes positions of the same time unique.
    serial: u64,
    /// When all entries are scanned for those that come due.
    next_scan: Tick,
    /// Until when the refresher sleeps.
    asleep_until: Tick,
}

impl<K: Hash + Eq + Clone> WakeupSchedule<K> {
    pub(crate) fn new() -> Self {
        Self {
            queue: BTreeMap::new(),
            positions: HashMap::default(),
            serial: 0,
            next_scan: Tick::MAX,
            asleep_until: 0,
        }
    }

    /// Schedules a key, unless it is scheduled for an earlier time.
    pub(crate) fn add(&mut self, at: Tick, key: K) {
        self.serial += 1;
        let position = (at, self.serial);
        match self.positions.get_mut(&key) {
            Some(earlier) if earlier.0 <= at => return,
            Some(later) => drop(self.queue.remove(&std::mem::replace(later, position))),
            None => drop(self.positions.insert(key.clone(), position)),
        }
        self.queue.insert(position, key);
    }

    /// Schedules the next scan, unless it is scheduled for an earlier time.
    pub(crate) fn scan_by(&mut self, at: Tick) {
        self.next_scan = self.next_scan.min(at);
    }

    pub(crate) fn next_scan(&self) -> Tick {
        self.next_scan
    }

    /// Unschedules the next scan and returns `true` if its time has come.
    pub(crate) fn take_scan(&mut self, now: Tick) -> bool {
        let is_due = self.next_scan <= now;
        if is_due {
            self.next_scan = Tick::MAX;
        }
        is_due
    }

    /// Returns when there is something to do, and records that the refresher sleeps until then.
    pub(crate) fn sleep_until(&mut self) -> Tick {
        self.asleep_until = self.earliest();
        self.asleep_until
    }

    /// Returns whether the refresher would wake up too late. After that it counts as awake until it
    /// sleeps again.
    pub(crate) fn needs_earlier_wakeup(&mut self) -> bool {
        let needs_wakeup = self.earliest() < self.asleep_until;
        if needs_wakeup {
            self.asleep_until = 0;
        }
        needs_wakeup
    }

    fn earliest(&self) -> Tick {
        let first = self.queue.first_key_value().map_or(Tick::MAX, |((at, _), _)| *at);
        first.min(self.next_scan)
    }

    /// Removes and returns a key whose time has come.
    pub(crate) fn pop_due(&mut self, now: Tick) -> Option<K> {
        let first = self.queue.first_entry().filter(|first| first.key().0 <= now)?;
        let key = first.remove();
        self.positions.remove(&key);
        Some(key)
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.positions.clear();
        self.next_scan = Tick::MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_scheduled_once_for_its_earliest_time() {
        let mut schedule = WakeupSchedule::new();
        for (at, key) in [(5, 'a'), (7, 'a'), (3, 'b'), (9, 'c'), (4, 'c'), (9, 'c')] {
            schedule.add(at, key);
        }
        assert_eq!((schedule.queue.len(), schedule.sleep_until()), (3, 3));
        assert_eq!(schedule.pop_due(2), None);
        let order: Vec<_> = std::iter::from_fn(|| schedule.pop_due(9)).collect();
        assert_eq!(order, ['b', 'c', 'a']);
        assert!(schedule.positions.is_empty());
        schedule.add(8, 'a');
        assert!(!schedule.needs_earlier_wakeup(), "the refresher wakes up at 3");
        schedule.sleep_until();
        schedule.add(6, 'b');
        assert!(schedule.needs_earlier_wakeup() && !schedule.needs_earlier_wakeup());
    }
}
