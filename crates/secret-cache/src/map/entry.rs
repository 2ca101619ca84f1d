//! An entry, with two flags by which its readers and the refresher communicate.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::loaded::Loaded;
use crate::map::sync::AtomicU8;
use crate::policy::{Freshness, Policy, Tick, nanos, own_refresh_at};
use crate::version::Version;

/// The value was read since it was inserted, or since the clock hand of the eviction last passed
/// it.
const ACCESSED: u8 = 1;

/// Readers must read the clock before they serve the value.
const CHECK_CLOCK: u8 = 2;

/// A key with its value.
pub(crate) struct Entry<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    pub(crate) version: Version,
    /// When the load of the value began, from which its age counts.
    pub(crate) loaded_at: Tick,
    /// Determines where in the last tenth of the interval the entry is refreshed.
    pub(crate) jitter: u32,
    /// The end of the value's own lifetime, or [`Tick::MAX`].
    pub(crate) lifetime_end: Tick,
    /// When the value is refreshed by its own interval, or [`Tick::MAX`].
    own_refresh_at: Tick,
    flags: AtomicU8,
}

/// A snapshot of an entry's flags.
#[derive(Clone, Copy)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) fn is_accessed(self) -> bool {
        self.0 & ACCESSED != 0
    }

    pub(crate) fn must_check_clock(self) -> bool {
        self.0 & CHECK_CLOCK != 0
    }
}

impl<K, V> Entry<K, V> {
    pub(crate) fn new(key: K, loaded: Loaded<V>, loaded_at: Tick, jitter: u32) -> Self {
        let Loaded { value, version, lifetime, refresh_interval } = loaded;
        let lifetime_end =
            lifetime.map_or(Tick::MAX, |lifetime| loaded_at.saturating_add(nanos(lifetime)));
        let own_refresh_at = refresh_interval
            .map_or(Tick::MAX, |interval| own_refresh_at(interval, loaded_at, jitter));
        let flags = AtomicU8::new(CHECK_CLOCK);
        Self { key, value, version, loaded_at, jitter, lifetime_end, own_refresh_at, flags }
    }

    /// Returns whether the value has a lifetime or a refresh interval of its own, so that its
    /// readers always read the clock.
    pub(crate) fn is_timed(&self) -> bool {
        self.own_event() < Tick::MAX
    }

    /// Returns when the value is refreshed or ends by a time of its own, or [`Tick::MAX`].
    pub(crate) fn own_event(&self) -> Tick {
        self.lifetime_end.min(self.own_refresh_at)
    }

    /// Returns when the value is refreshed if it is in use.
    pub(crate) fn refresh_at(&self, policy: &Policy) -> Tick {
        policy.refresh_at(self.loaded_at, self.jitter).min(self.own_refresh_at)
    }

    /// Returns from when on the refresher must pay attention to the entry, and readers to the clock.
    pub(crate) fn check_clock_from(&self, policy: &Policy) -> Tick {
        policy.check_clock_from(self.loaded_at, self.jitter).min(self.own_refresh_at)
    }

    /// Returns when the value may not be served any longer.
    pub(crate) fn expires_at(&self, policy: &Policy) -> Tick {
        policy.expires_at(self.loaded_at).min(self.lifetime_end)
    }

    /// Returns whether a reader may serve the value without reading the clock or setting a flag.
    ///
    /// All accesses to the flags are relaxed, because they order nothing else. A reader that sees
    /// an old flag could as well have come a moment earlier.
    #[inline]
    pub(crate) fn is_hit(&self) -> bool {
        self.flags.load(Relaxed) == ACCESSED
    }

    pub(crate) fn flags(&self) -> Flags {
        Flags(self.flags.load(Relaxed))
    }

    /// Sets the accessed flag, and returns the previous flags.
    pub(crate) fn mark_accessed(&self) -> Flags {
        let flags = self.flags();
        if flags.is_accessed() { flags } else { Flags(self.flags.fetch_or(ACCESSED, Relaxed)) }
    }

    pub(crate) fn clear_accessed(&self) {
        self.flags.fetch_and(!ACCESSED, Relaxed);
    }

    /// Sets whether readers must read the clock.
    pub(crate) fn set_check_clock(&self, check: bool) {
        if self.flags().must_check_clock() != check {
            if check {
                self.flags.fetch_or(CHECK_CLOCK, Relaxed);
            } else {
                self.flags.fetch_and(!CHECK_CLOCK, Relaxed);
            }
        }
    }

    pub(crate) fn freshness(&self, policy: &Policy, now: Tick) -> Freshness {
        if now >= self.lifetime_end {
            return Freshness::Expired;
        }
        match policy.freshness(self.loaded_at, self.jitter, now) {
            Freshness::Fresh if now >= self.own_refresh_at => Freshness::Due,
            freshness => freshness,
        }
    }
}

/// Entries to drop after the lock is released, because dropping a value runs foreign code.
pub(crate) type Released<K, V> = Vec<Arc<Entry<K, V>>>;
