//! Ages and what follows from them: durations in, decisions out.
//!
//! It knows no clock, no task and no value. All spans are half open: something that may last 5 s is
//! over when its age is 5 s, so that a span of zero means never.

use std::time::Duration;

/// The first back-off window after a failed refresh. With a value to serve nobody waits for the
/// next try, and a blip of the source is over within a second.
const FIRST_WINDOW: Duration = Duration::from_secs(1);

/// The longest back-off window: how long a source that is back may go unnoticed.
const LAST_WINDOW: Duration = Duration::from_secs(30);

/// The spans of a cache's settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) refresh_interval: Duration,
    pub(crate) max_stale: Duration,
    pub(crate) negative_ttl: Duration,
}

/// What a held value's age allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Served without asking.
    Fresh,
    /// Served only when the source can't be asked.
    Stale,
    /// Not served any more.
    Expired,
}

impl Policy {
    /// What the age of a held value allows.
    pub(crate) fn freshness(&self, age: Duration) -> Freshness {
        if age < self.refresh_interval {
            Freshness::Fresh
        } else if age < self.refresh_interval.saturating_add(self.max_stale) {
            Freshness::Stale
        } else {
            Freshness::Expired
        }
    }

    /// Whether a definite no of this age still holds.
    pub(crate) fn remembers_no(&self, age: Duration) -> bool {
        age < self.negative_ttl
    }
}

/// Whether the source is left in peace, this long after the last of `failures` failed refreshes in
/// a row.
pub(crate) fn backs_off(failures: u32, since: Duration) -> bool {
    since < window(failures)
}

/// 1 s, doubled with each failure in a row, at most 30 s.
fn window(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => {
            FIRST_WINDOW.saturating_mul(2_u32.saturating_pow(doublings)).min(LAST_WINDOW)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn just_under(span: Duration) -> Duration {
        span.saturating_sub(Duration::from_nanos(1))
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn freshness_has_exact_edges() {
        let max = Duration::MAX;
        let table = [
            // (refresh interval, max stale, age, freshness)
            (secs(10), secs(5), secs(0), Freshness::Fresh),
            (secs(10), secs(5), just_under(secs(10)), Freshness::Fresh),
            (secs(10), secs(5), secs(10), Freshness::Stale),
            (secs(10), secs(5), just_under(secs(15)), Freshness::Stale),
            (secs(10), secs(5), secs(15), Freshness::Expired),
            (secs(10), secs(0), just_under(secs(10)), Freshness::Fresh),
            (secs(10), secs(0), secs(10), Freshness::Expired),
            (secs(0), secs(0), secs(0), Freshness::Expired),
            (max, max, just_under(max), Freshness::Fresh),
            (secs(1), max, just_under(max), Freshness::Stale),
        ];
        for (refresh_interval, max_stale, age, expected) in table {
            let policy = Policy { refresh_interval, max_stale, negative_ttl: secs(5) };
            assert_eq!(policy.freshness(age), expected, "{policy:?} at {age:?}");
        }
    }

    #[test]
    fn a_no_is_remembered_for_its_lifetime() {
        for (ttl, age, expected) in [
            (secs(5), just_under(secs(5)), true),
            (secs(5), secs(5), false),
            (secs(0), secs(0), false),
        ] {
            let policy =
                Policy { refresh_interval: secs(9), max_stale: secs(9), negative_ttl: ttl };
            assert_eq!(policy.remembers_no(age), expected, "{ttl:?} at {age:?}");
        }
    }

    #[test]
    fn windows_double_up_to_the_last() {
        let expected = [0, 1, 2, 4, 8, 16, 30, 30];
        for (failures, window) in (0..).zip(expected.map(secs)) {
            assert!(window.is_zero() || backs_off(failures, just_under(window)), "{failures}");
            assert!(!backs_off(failures, window), "{failures}");
        }
        assert!(backs_off(u32::MAX, just_under(secs(30))));
        assert!(!backs_off(u32::MAX, secs(30)));
    }
}
