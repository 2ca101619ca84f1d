//! The freshness of an entry by its age.
//!
//! All time spans are half-open: a value with a lifetime of 5 s has expired at an age of exactly 5
//! s, and a span of zero disables what it limits.

use std::time::Duration;

/// A point in time in nanoseconds. See [`clock`](crate::map::clock) for its origin.
pub(crate) type Tick = u64;

/// The delay before a key is loaded again after a failure, in nanoseconds. It doesn't grow, so that
/// the end of a long outage is noticed as soon as that of a short one.
pub(crate) const RETRY_DELAY: u64 = 1_000_000_000;

/// How long a reader waits for the refresh of a value that is past its refresh interval, in
/// nanoseconds from the start of the load. A source that takes longer counts as unavailable.
pub(crate) const MAX_REFRESH_WAIT: u64 = 1_000_000_000;

/// The maximum time between the latest start of a refresh and the end of the due interval, in
/// nanoseconds. It is as long as a healthy source may take, so that readers of a key in use never
/// wait, and a change is noticed within the poll interval.
const HEAD_START: u64 = MAX_REFRESH_WAIT;

/// The time spans of a cache's settings, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) refresh_interval: u64,
    /// The interval in whose last tenth a value in use comes due: the poll interval, unless the
    /// refresh interval is shorter or polling is disabled.
    pub(crate) due_interval: u64,
    pub(crate) max_stale: u64,
    pub(crate) negative_ttl: u64,
}

/// How an entry may be used at its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It may be served.
    Fresh,
    /// It may be served, and is to be refreshed in the background.
    Due,
    /// It is past its refresh interval. It may be served only while the source is unavailable.
    Overdue,
    /// It may not be served.
    Expired,
}

impl Policy {
    pub(crate) fn new(refresh_interval: Duration, max_stale: Duration, negative: Duration) -> Self {
        let refresh_interval = nanos(refresh_interval);
        Self {
            refresh_interval,
            due_interval: refresh_interval,
            max_stale: nanos(max_stale),
            negative_ttl: nanos(negative),
        }
    }

    /// Returns the policy with this poll interval; zero means that values only come due at the end
    /// of the refresh interval.
    pub(crate) fn with_poll_interval(self, poll_interval: Duration) -> Self {
        let poll_interval = nanos(poll_interval);
        if poll_interval == 0 {
            return self;
        }
        Self { due_interval: self.refresh_interval.min(poll_interval), ..self }
    }

    /// Returns the policy for a loader that doesn't allow polling.
    pub(crate) fn without_polling(self) -> Self {
        Self { due_interval: self.refresh_interval, ..self }
    }

    /// Returns whether caching is disabled.
    pub(crate) fn is_disabled(&self) -> bool {
        self.refresh_interval == 0
    }

    /// Returns the freshness at `now` of a value whose load began at `loaded_at`.
    pub(crate) fn freshness(&self, loaded_at: Tick, jitter: u32, now: Tick) -> Freshness {
        if now >= self.expires_at(loaded_at) {
            Freshness::Expired
        } else if now >= loaded_at.saturating_add(self.refresh_interval) {
            Freshness::Overdue
        } else if now >= self.refresh_at(loaded_at, jitter) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }

    /// Returns when a value in use is refreshed: in the last tenth of the due interval, spread by
    /// `jitter` so that values that were loaded together aren't refreshed together. The end of the
    /// tenth is reserved for the load itself: [`HEAD_START`], or half of the tenth if that is less.
    pub(crate) fn refresh_at(&self, loaded_at: Tick, jitter: u32) -> Tick {
        refresh_at(self.due_interval, loaded_at, jitter)
    }

    /// Returns when a value may not be served any longer.
    pub(crate) fn expires_at(&self, loaded_at: Tick) -> Tick {
        loaded_at.saturating_add(self.refresh_interval).saturating_add(self.max_stale)
    }

    /// Returns the interval between two scans for entries that come due: a fiftieth of the due
    /// interval.
    pub(crate) fn scan_interval(&self) -> u64 {
        (self.due_interval / 50).max(1)
    }

    /// Returns the interval between two scans if all entries that are due are idle. Their next
    /// readers refresh them, so that polling doesn't have to wake an idle process more often.
    pub(crate) fn idle_scan_interval(&self) -> u64 {
        (self.refresh_interval / 50).min(self.due_interval).max(1)
    }

    /// Returns from when on readers of a value must read the clock. This is early enough that a
    /// refresher which is late by less than a [scan interval](Self::scan_interval) changes nothing.
    pub(crate) fn check_clock_from(&self, loaded_at: Tick, jitter: u32) -> Tick {
        let margin = self.scan_interval().saturating_mul(2);
        self.refresh_at(loaded_at, jitter).saturating_sub(margin)
    }
}

/// Returns when a value with a refresh interval of its own is refreshed, which is at most once a
/// second whatever the interval.
pub(crate) fn own_refresh_at(interval: Duration, loaded_at: Tick, jitter: u32) -> Tick {
    let at = refresh_at(nanos(interval), loaded_at, jitter);
    at.max(loaded_at.saturating_add(RETRY_DELAY))
}

/// Returns a time in the last tenth of an interval that began at `loaded_at`.
fn refresh_at(interval: u64, loaded_at: Tick, jitter: u32) -> Tick {
    let tenth = interval / 10;
    let spread = tenth - HEAD_START.min(tenth / 2);
    // It fits, because it is less than a tenth.
    let offset = u64::try_from((u128::from(spread) * u128::from(jitter)) >> 32).unwrap_or(0);
    loaded_at.saturating_add(interval - tenth).saturating_add(offset)
}

/// Converts a time span to nanoseconds, at most 584 years.
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
        Policy {
            refresh_interval,
            due_interval: refresh_interval,
            max_stale,
            negative_ttl: secs(5),
        }
    }

    #[test]
    fn freshness_changes_exactly_at_each_limit() {
        let (max, half) = (u64::MAX, 1 << 31);
        let table = [
            // (refresh interval, max stale, jitter, age, freshness)
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
        for (refresh_interval, max_stale, jitter, age, expected) in table {
            let policy = policy(refresh_interval, max_stale);
            assert_eq!(policy.freshness(0, jitter, age), expected, "{policy:?} at {age}");
        }
    }

    /// Polling changes when a value is due, and not how long it may be served.
    #[test]
    fn poll_interval_changes_only_when_a_value_is_due() {
        let polled = |refresh, poll| {
            policy(secs(refresh), secs(5)).with_poll_interval(Duration::from_secs(poll))
        };
        let table = [
            // (refresh interval, poll interval, age, freshness)
            (100, 10, secs(9) - 1, Freshness::Fresh),
            (100, 10, secs(9), Freshness::Due),
            (100, 10, secs(100) - 1, Freshness::Due),
            (100, 10, secs(100), Freshness::Overdue),
            (100, 10, secs(105), Freshness::Expired),
            (100, 0, secs(90) - 1, Freshness::Fresh),
            (100, 0, secs(90), Freshness::Due),
            (10, 100, secs(9) - 1, Freshness::Fresh),
            (10, 100, secs(9), Freshness::Due),
            (10, 100, secs(10), Freshness::Overdue),
        ];
        for (refresh, poll, age, expected) in table {
            assert_eq!(polled(refresh, poll).freshness(0, 0, age), expected, "{refresh} {poll}");
        }
        let unpolled = polled(100, 10).without_polling();
        assert_eq!(unpolled.freshness(0, 0, secs(90) - 1), Freshness::Fresh);
    }

    /// Scans are as frequent as refreshes require, and no more for entries that are idle.
    #[test]
    fn scans_follow_the_shorter_interval() {
        for (refresh, poll, scan, idle) in [
            (500, 0, secs(10), secs(10)),
            (500, 50, secs(1), secs(10)),
            (50, 500, secs(1), secs(1)),
            (86_400, 50, secs(1), secs(50)),
        ] {
            let policy = policy(secs(refresh), 0).with_poll_interval(Duration::from_secs(poll));
            assert_eq!((policy.scan_interval(), policy.idle_scan_interval()), (scan, idle));
        }
    }

    #[test]
    fn clock_is_checked_two_scans_before_a_value_is_due() {
        let policy = policy(secs(300), 0);
        for jitter in [0, 1 << 31, u32::MAX] {
            assert_eq!(policy.refresh_at(7, jitter) - policy.check_clock_from(7, jitter), secs(12));
            assert!((secs(270)..secs(300)).contains(&(policy.refresh_at(7, jitter) - 7)));
        }
    }

    /// A refresh that takes as long as a healthy source may take ends within the interval.
    #[test]
    fn refresh_starts_early_enough_for_the_load() {
        for (interval, head_start) in
            [(secs(300), secs(1)), (secs(20), secs(1)), (secs(2), secs(1) / 10)]
        {
            let latest = policy(interval, 0).refresh_at(0, u32::MAX);
            assert!(latest >= interval / 10 * 9 && latest <= interval - head_start, "{interval}");
        }
    }
}
