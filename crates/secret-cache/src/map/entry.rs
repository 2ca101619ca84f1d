//! A value as it is held, and what its readers and the timer tell each other by two bits of it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::load::Loaded;
use crate::map::sync::AtomicU8;
use crate::policy::{Freshness, Policy, Tick, nanos};
use crate::version::Version;

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
    /// The end of its own lifetime; [`Tick::MAX`] without one.
    pub(crate) expires: Tick,
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
    pub(crate) fn new(key: K, loaded: Loaded<V>, began: Tick, lot: u32) -> Self {
        let Loaded { value, version, lifetime } = loaded;
        let expires = lifetime.map_or(Tick::MAX, |lifetime| began.saturating_add(nanos(lifetime)));
        Self { key, value, version, began, lot, expires, marks: AtomicU8::new(CLOCK) }
    }

    /// Whether it has a lifetime of its own. Its readers always ask the clock.
    pub(crate) fn is_limited(&self) -> bool {
        self.expires < Tick::MAX
    }

    /// When serving ends.
    pub(crate) fn hard(&self, policy: &Policy) -> Tick {
        policy.hard(self.began).min(self.expires)
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
        if now >= self.expires {
            return Freshness::Expired;
        }
        policy.freshness(self.began, self.lot, now)
    }
}

/// Values that were let go of: they are dropped when no lock is held, for their drop is foreign code.
pub(crate) type Released<K, V> = Vec<Arc<Stored<K, V>>>;
