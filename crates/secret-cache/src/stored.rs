//! A value as it is held, and what its readers and the timer tell each other by two bits of it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::Version;
use crate::policy::{Freshness, Policy, Tick};
use crate::sync::AtomicU8;

/// Somebody asked for the value since it was put in.
const SEEN: u8 = 1;

/// The clock must be asked before the value is served.
const CLOCK: u8 = 2;

/// A value with its key.
pub(crate) struct Stored<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    pub(crate) version: Version,
    /// When its load began: the source's answer is at least as young as this.
    pub(crate) began: Tick,
    /// Drawn once: where in the last tenth of the interval it comes due.
    pub(crate) lot: u32,
    marks: AtomicU8,
}

/// The marks as a reader found them.
#[derive(Clone, Copy)]
pub(crate) struct Marks(u8);

impl Marks {
    pub(crate) fn is_seen(self) -> bool {
        self.0 & SEEN != 0
    }

    pub(crate) fn asks_clock(self) -> bool {
        self.0 & CLOCK != 0
    }
}

impl<K, V> Stored<K, V> {
    pub(crate) fn new(key: K, value: V, version: Version, began: Tick, lot: u32) -> Self {
        Self { key, value, version, began, lot, marks: AtomicU8::new(CLOCK) }
    }

    /// Whether it can be served as it is: no timer has doubts, and there is nothing to note.
    ///
    /// Relaxed, as all of these: the marks order nothing else. Who reads an old mark is a reader
    /// that came a moment earlier.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.marks.load(Relaxed) == SEEN
    }

    pub(crate) fn marks(&self) -> Marks {
        Marks(self.marks.load(Relaxed))
    }

    /// Notes that somebody asked; gives back what was noted before.
    pub(crate) fn see(&self) -> Marks {
        let marks = self.marks();
        if marks.is_seen() { marks } else { Marks(self.marks.fetch_or(SEEN, Relaxed)) }
    }

    /// Takes the note back: the next reader makes it again.
    pub(crate) fn forget_seen(&self) {
        self.marks.fetch_and(!SEEN, Relaxed);
    }

    /// Says whether the clock must be asked.
    pub(crate) fn ask_clock(&self, ask: bool) {
        if self.marks().asks_clock() != ask {
            if ask {
                self.marks.fetch_or(CLOCK, Relaxed);
            } else {
                self.marks.fetch_and(!CLOCK, Relaxed);
            }
        }
    }

    pub(crate) fn freshness(&self, policy: &Policy, now: Tick) -> Freshness {
        policy.freshness(self.began, self.lot, now)
    }
}

/// Values that were let go of: they are dropped when no lock is held, for their drop is foreign code.
pub(crate) type Released<K, V> = Vec<Arc<Stored<K, V>>>;
