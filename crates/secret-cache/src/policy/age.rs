//! Ages and what follows from them: points in time in, decisions out.
//!
//! It knows no clock, no task and no value. All spans are half open: something that may last 5 s is
//! over when its age is 5 s, so that a span of zero means never.

use std::time::Duration;

/// A point in time: nanoseconds from when the cache was made.
pub(crate) type Tick = u64;

/// The longest that a negative response may be cached: 5 s. A caller that creates a missing value or
/// is granted a missing permission waits no longer than this.
pub const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(5);

/// The pause after a failed load of a key, in nanoseconds. It doesn't grow: a source that is back
/// after a long outage is noticed as soon as one that is back after a short one.
pub(crate) const RETRY_AFTER: u64 = 1_000_000_000;

/// How long a reader waits for the refresh of a value that is past its refresh interval, in
/// nanoseconds from the start of the load. A source that needs longer counts as not answering.
pub(crate) const PATIENCE: u64 = 1_000_000_000;

/// The most that a refresh is started ahead of the end of the interval's last tenth, in
/// nanoseconds: as long as a healthy source may take, so that readers of a key in use never wait.
const HEAD_START: u64 = PATIENCE;

/// The spans of a cache's settings, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) refresh_interval: u64,
    pub(crate) max_stale: u64,
    pub(crate) negative_ttl: u64,
}

/// What a held value's age allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Served.
    Fresh,
    /// Served, and refreshed in the background.
    Due,
    /// Past the refresh interval: served only if the source doesn't answer.
    Overdue,
    /// Not served.
    Expired,
}

impl Policy {
    pub(crate) fn new(refresh_interval: Duration, max_stale: Duration, negative: Duration) -> Self {
        Self {
            refresh_interval: nanos(refresh_interval),
            max_stale: nanos(max_stale),
            negative_ttl: nanos(negative),
        }
    }

    /// Whether anything is kept at all.
    pub(crate) fn is_off(&self) -> bool {
        self.refresh_interval == 0
    }

    /// What is allowed now of a value whose load began at `began` and that drew this lot.
    pub(crate) fn freshness(&self, began: Tick, lot: u32, now: Tick) -> Freshness {
        if now >= self.hard(began) {
            Freshness::Expired
        } else if now >= began.saturating_add(self.refresh_interval) {
            Freshness::Overdue
        } else if now >= self.due(began, lot) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }

    /// When a value in use is refreshed: in the last tenth of the interval, at a point drawn by
    /// `lot`, so that values that were loaded together don't come due together. The end of the tenth
    /// is left to the load itself: a second, or half of the tenth where that is less.
    pub(crate) fn due(&self, began: Tick, lot: u32) -> Tick {
        let tenth = self.refresh_interval / 10;
        let drawn_from = tenth - HEAD_START.min(tenth / 2);
        // Less than a tenth, so it fits.
        let drawn = u64::try_from((u128::from(drawn_from) * u128::from(lot)) >> 32).unwrap_or(0);
        let least = self.refresh_interval - self.refresh_interval / 10;
        began.saturating_add(least).saturating_add(drawn)
    }

    /// When serving ends.
    pub(crate) fn hard(&self, began: Tick) -> Tick {
        began.saturating_add(self.refresh_interval).saturating_add(self.max_stale)
    }

    /// How often values are looked through for those that come due: fifty times an interval.
    pub(crate) fn round(&self) -> u64 {
        (self.refresh_interval / 50).max(1)
    }

    /// From when on the clock is asked about a value: so long before it is due that a timer which
    /// is late by less than a [round](Self::round) changes nothing.
    pub(crate) fn edge(&self, began: Tick, lot: u32) -> Tick {
        self.due(began, lot).saturating_sub(self.round().saturating_mul(2))
    }
}

/// Nanoseconds, at most 584 years.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> u64 {
        nanos(Duration::from_secs(secs))
    }

    fn policy(refresh_interval: u64, max_stale: u64) -> Policy {
        Policy { refresh_interval, max_stale, negative_ttl: secs(5) }
    }

    #[test]
    fn freshness_has_exact_edges() {
        let (max, half) = (u64::MAX, 1 << 31);
        let table = [
            // (refresh interval, max stale, lot, age, freshness)
            (secs(10), secs(5), 0, 0, Freshness::Fresh),
            (secs(10), secs(5), 0, secs(9) - 1, Freshness::Fresh),
            (secs(10), secs(5), 0, secs(9), Freshness::Due),
            (secs(10), secs(5), half, secs(9) + secs(1) / 4 - 1, Freshness::Fresh),
            (secs(10), secs(5), half, secs(9) + secs(1) / 4, Freshness::Due),
            (secs(10), secs(5), u32::MAX, secs(10) - 1, Freshness::Due),
            (secs(10), secs(5), u32::MAX, secs(10), Freshness::Overdue),
            (secs(10), secs(5), 0, secs(15) - 1, Freshness::Overdue),
            (secs(10), secs(5), 0, secs(15), Freshness::Expired),
            (secs(10), 0, 0, secs(10) - 1, Freshness::Due),
            (secs(10), 0, 0, secs(10), Freshness::Expired),
            (0, 0, 0, 0, Freshness::Expired),
            (max, max, 0, max / 10 * 8, Freshness::Fresh),
            (secs(1), max, 0, max - 1, Freshness::Overdue),
        ];
        for (refresh_interval, max_stale, lot, age, expected) in table {
            let policy = policy(refresh_interval, max_stale);
            assert_eq!(policy.freshness(0, lot, age), expected, "{policy:?} at {age}");
        }
    }

    #[test]
    fn the_clock_is_asked_before_a_value_is_due() {
        let policy = policy(secs(300), 0);
        for lot in [0, 1 << 31, u32::MAX] {
            assert_eq!(policy.due(7, lot) - policy.edge(7, lot), secs(12));
            assert!((secs(270)..secs(300)).contains(&(policy.due(7, lot) - 7)));
        }
    }

    /// A refresh that takes as long as a healthy source may is over before the interval is.
    #[test]
    fn refresh_due_leaves_time_for_the_load() {
        for (interval, head_start) in
            [(secs(300), secs(1)), (secs(20), secs(1)), (secs(2), secs(1) / 10)]
        {
            let latest = policy(interval, 0).due(0, u32::MAX);
            assert!(latest >= interval / 10 * 9 && latest <= interval - head_start, "{interval}");
        }
    }
}
