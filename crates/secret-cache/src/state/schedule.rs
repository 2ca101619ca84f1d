//! When to look at what again: one time for each key that is on the list, and the time of the next look
//! at them all.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::map::sync::RandomState;
use crate::policy::Tick;

pub(crate) struct Agenda<K> {
    entries: BTreeMap<(Tick, u64), K>,
    /// Where a key stands in the list: once.
    places: HashMap<K, (Tick, u64), RandomState>,
    serial: u64,
    /// When all values are looked through again for those that come due.
    pub(crate) scan: Tick,
    /// Until when the timer sleeps.
    asleep_until: Tick,
}

impl<K: Hash + Eq + Clone> Agenda<K> {
    pub(crate) fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            places: HashMap::default(),
            serial: 0,
            scan: Tick::MAX,
            asleep_until: 0,
        }
    }

    /// Puts a key on the list, if it isn't there for an earlier time.
    pub(crate) fn remind(&mut self, at: Tick, key: K) {
        self.serial += 1;
        let place = (at, self.serial);
        match self.places.get_mut(&key) {
            Some(earlier) if earlier.0 <= at => return,
            Some(later) => drop(self.entries.remove(&std::mem::replace(later, place))),
            None => drop(self.places.insert(key.clone(), place)),
        }
        self.entries.insert(place, key);
    }

    /// When there is something to do next; the timer sleeps until then.
    pub(crate) fn sleep(&mut self) -> Tick {
        self.asleep_until = self.next();
        self.asleep_until
    }

    /// Whether the timer would come too late. Asked once, it is taken to be on its way.
    pub(crate) fn oversleeps(&mut self) -> bool {
        let oversleeps = self.next() < self.asleep_until;
        if oversleeps {
            self.asleep_until = 0;
        }
        oversleeps
    }

    fn next(&self) -> Tick {
        let first = self.entries.first_key_value().map_or(Tick::MAX, |((at, _), _)| *at);
        first.min(self.scan)
    }

    /// A key whose time has come.
    pub(crate) fn pop(&mut self, now: Tick) -> Option<K> {
        let entry = self.entries.first_entry().filter(|entry| entry.key().0 <= now)?;
        let key = entry.remove();
        self.places.remove(&key);
        Some(key)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.places.clear();
        self.scan = Tick::MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_on_the_list_once_for_its_earliest_time() {
        let mut agenda = Agenda::new();
        for (at, key) in [(5, 'a'), (7, 'a'), (3, 'b'), (9, 'c'), (4, 'c'), (9, 'c')] {
            agenda.remind(at, key);
        }
        assert_eq!((agenda.entries.len(), agenda.sleep()), (3, 3));
        assert_eq!(agenda.pop(2), None);
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop(9)).collect();
        assert_eq!(order, ['b', 'c', 'a']);
        assert!(agenda.places.is_empty());
        agenda.remind(8, 'a');
        assert!(!agenda.oversleeps(), "the timer wakes at 3");
        agenda.sleep();
        agenda.remind(6, 'b');
        assert!(agenda.oversleeps() && !agenda.oversleeps());
    }
}
