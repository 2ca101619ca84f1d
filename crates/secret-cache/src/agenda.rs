//! When to look at what again: a list of keys and times, and the time of the next look at them all.

use std::collections::BTreeMap;

use crate::policy::Tick;

pub(crate) struct Agenda<K> {
    entries: BTreeMap<(Tick, u64), K>,
    serial: u64,
    /// When all values are looked through again for those that come due.
    pub(crate) scan: Tick,
    /// Until when the timer sleeps.
    asleep_until: Tick,
}

impl<K> Agenda<K> {
    pub(crate) fn new() -> Self {
        Self { entries: BTreeMap::new(), serial: 0, scan: Tick::MAX, asleep_until: 0 }
    }

    pub(crate) fn remind(&mut self, at: Tick, key: K) {
        self.serial += 1;
        self.entries.insert((at, self.serial), key);
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

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.scan = Tick::MAX;
    }

    /// A key whose time has come.
    pub(crate) fn pop(&mut self, now: Tick) -> Option<K> {
        let entry = self.entries.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}
