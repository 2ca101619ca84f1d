//! Ages and what follows from them: points in time in, decisions out.
//!
//! It knows no clock, no task and no value. All spans are half open: something that may last 5 s is
//! over when its age is 5 s, so that a span of zero means never.

use std::time::Duration;

/// A point in time: nanoseconds from when the cache was made.
pub(crate) type Tick = u64;

/// The first back-off window after a failed load. With a value to serve nobody waits for the next
/// try, and a blip of the source is over within a second.
const FIRST_WINDOW: Duration = Duration::from_secs(1);

/// The longest back-off window while there is a value to serve: how long a source that is back may
/// go unnoticed.
const LAST_WINDOW: Duration = Duration::from_secs(30);

/// The longest back-off window while there is none: callers fail until it is over.
const LAST_EMPTY_WINDOW: Duration = Duration::from_secs(5);

/// While the source can't be asked, all keys together are refreshed once in this time.
pub(crate) const PROBE_INTERVAL: Duration = Duration::from_secs(1);

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
    /// Served, and loaded again behind the reader's back.
    Due,
    /// The same, past the refresh interval: the reader is told.
    Stale,
    /// Not served any more.
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
            Freshness::Stale
        } else if now >= self.due(began, lot) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }

    /// When a value is loaded again: at 90 % to 100 % of the interval, by its lot. Values that were
    /// loaded together don't come due together. Never later than the interval: a value in use is
    /// not stale on a good day.
    pub(crate) fn due(&self, began: Tick, lot: u32) -> Tick {
        let tenth = u128::from(self.refresh_interval / 10);
        // Less than a tenth, so it fits.
        let drawn = u64::try_from((tenth * u128::from(lot)) >> 32).unwrap_or(0);
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

/// How long the source is left in peace after this many failures in a row.
pub(crate) fn window(failures: u32, has_value: bool) -> u64 {
    let last = if has_value { LAST_WINDOW } else { LAST_EMPTY_WINDOW };
    nanos(match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_WINDOW.saturating_mul(2_u32.saturating_pow(doublings)).min(last),
    })
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
            (secs(10), secs(5), half, secs(9) + secs(1) / 2 - 1, Freshness::Fresh),
            (secs(10), secs(5), half, secs(9) + secs(1) / 2, Freshness::Due),
            (secs(10), secs(5), u32::MAX, secs(10) - 1, Freshness::Due),
            (secs(10), secs(5), u32::MAX, secs(10), Freshness::Stale),
            (secs(10), secs(5), 0, secs(15) - 1, Freshness::Stale),
            (secs(10), secs(5), 0, secs(15), Freshness::Expired),
            (secs(10), 0, 0, secs(10) - 1, Freshness::Due),
            (secs(10), 0, 0, secs(10), Freshness::Expired),
            (0, 0, 0, 0, Freshness::Expired),
            (max, max, 0, max / 10 * 8, Freshness::Fresh),
            (secs(1), max, 0, max - 1, Freshness::Stale),
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

    #[test]
    fn windows_double_up_to_the_last() {
        for (has_value, expected) in
            [(true, [0, 1, 2, 4, 8, 16, 30, 30]), (false, [0, 1, 2, 4, 5, 5, 5, 5])]
        {
            for (failures, seconds) in (0..).zip(expected) {
                assert_eq!(window(failures, has_value), secs(seconds), "{failures}");
            }
        }
        assert_eq!(window(u32::MAX, true), secs(30));
    }
}
