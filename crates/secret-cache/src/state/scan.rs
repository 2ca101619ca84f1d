//! Scans of all entries by the refresher: which come due, and whose readers must read the clock.

use std::hash::Hash;

use crate::map::entry::Entry;
use crate::policy::{Policy, Tick};
use crate::state::State;
use crate::state::in_flight::PendingLoad;

/// The findings of a scan of all entries.
struct Findings<K> {
    /// When the next scan is necessary.
    next_scan: Tick,
    /// The keys to schedule.
    scheduled: Vec<(Tick, K)>,
}

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    /// Visits all entries if the next scan is due. It holds the lock throughout, because an entry
    /// that is missed would be fresh forever. Hits don't need the lock.
    pub(crate) fn scan(&self, now: Tick) {
        let mut inner = self.lock();
        if !inner.schedule.take_scan(now) {
            return;
        }
        let mut findings = Findings { next_scan: Tick::MAX, scheduled: Vec::new() };
        let hits_skip_clock = inner.hits_skip_clock;
        let policy = self.policy();
        self.entries.for_each(&inner.writer, |entry| {
            inspect(&policy, entry, now, hits_skip_clock, &mut findings);
        });
        if findings.next_scan < Tick::MAX {
            let earliest = now.saturating_add(policy.scan_interval());
            inner.schedule.scan_by(findings.next_scan.max(earliest));
        }
        // Callers that await changes read nothing, so watched keys are scheduled each time. One
        // without a value, such as an evicted one, is loaded once per due interval.
        let reload_at = now.saturating_add(policy.due_interval);
        let at = |key: &K| if self.entries.find(key).is_some() { now } else { reload_at };
        findings.scheduled.extend(inner.watched().map(|key| (at(&key), key)));
        findings.scheduled.into_iter().for_each(|(at, key)| inner.schedule.add(at, key));
        inner.failures.retain(|_, failure| !failure.is_obsolete(now));
        inner.forced.prune(now);
    }

    /// Sets whether hits may skip the clock. They may not without a refresher, or with one whose
    /// runtime is only driven at times.
    pub(crate) fn set_hits_skip_clock(&self, hits_skip_clock: bool) {
        let mut inner = self.lock();
        inner.hits_skip_clock = hits_skip_clock;
        if hits_skip_clock {
            inner.schedule.scan_by(0);
        } else {
            self.entries.for_each(&inner.writer, |entry| entry.set_check_clock(true));
        }
        drop(self.unlock(inner));
    }
}

/// Sets whether the readers of an entry must read the clock, and finds when the entry needs
/// attention.
fn inspect<K: Clone, V>(
    policy: &Policy,
    entry: &Entry<K, V>,
    now: Tick,
    hits_skip_clock: bool,
    findings: &mut Findings<K>,
) {
    let refresh_at = entry.refresh_at(policy);
    let expires_at = entry.expires_at(policy);
    let check_clock_from = entry.check_clock_from(policy);
    entry.set_check_clock(!hits_skip_clock || entry.is_timed() || check_clock_from <= now);
    if check_clock_from > now {
        findings.next_scan = findings.next_scan.min(check_clock_from);
        return;
    }
    // An entry that is due but not in use is only refreshed by its next reader.
    let is_idle = refresh_at <= now && !entry.flags().is_accessed();
    let (at, interval) = if is_idle {
        (expires_at, policy.idle_scan_interval())
    } else {
        (refresh_at.max(now).min(expires_at), policy.scan_interval())
    };
    let next_scan = now.saturating_add(interval);
    findings.next_scan = findings.next_scan.min(next_scan);
    if at <= next_scan {
        findings.scheduled.push((at, entry.key.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::loaded::Loaded;
    use crate::policy::{Policy, Tick};
    use crate::state::State;
    use crate::state::in_flight::PendingLoad;
    use crate::state::inner::Limits;
    use crate::value_ref::Ref;
    use crate::version::Version;

    struct NoLoad;

    impl PendingLoad for NoLoad {
        type Waiter = ();

        fn waiter(&self) {}

        fn is_lost(&self) -> bool {
            false
        }

        fn is_slow(&self, _: Tick) -> bool {
            false
        }
    }

    type NoLoads = State<u32, u32, (), NoLoad>;

    /// A value that was inserted at 1,000 with a refresh interval of 10,000 and a scan interval of
    /// 200. It is due at 10,000, and readers check the clock from 9,600.
    fn state(hits_skip_clock: bool) -> NoLoads {
        state_with(10_000, hits_skip_clock)
    }

    fn state_with(due_interval: Tick, hits_skip_clock: bool) -> NoLoads {
        let policy =
            Policy { refresh_interval: 10_000, due_interval, max_stale: 500, negative_ttl: 0 };
        let limits = Limits { entries: 10, bytes: usize::MAX, weigh: |_, _| 0 };
        let state = State::new(policy, limits, 1);
        state.set_hits_skip_clock(hits_skip_clock);
        state.scan(1_000);
        drop(state.replace(1, Loaded::versioned(7, Version::new(1)), 1_000, 0));
        state.entries.find(&1).iter().filter_map(|found| found.get()).for_each(|entry| {
            entry.mark_accessed();
        });
        state
    }

    /// Returns whether a read is a hit that doesn't check the clock.
    fn hits(state: &NoLoads) -> bool {
        Ref::hit(state.entries.find(&1), |_| true).is_ok()
    }

    fn hits_after_scans(hits_skip_clock: bool, scans: &[Tick]) -> bool {
        let state = state(hits_skip_clock);
        for now in scans {
            state.scan(*now);
        }
        hits(&state)
    }

    #[test]
    fn clock_is_checked_from_two_scans_before_a_value_is_due() {
        for (hits_skip_clock, scans, expected) in [
            (true, &[][..], true),
            (true, &[5_000], true),
            (true, &[9_599], true),
            (true, &[9_600], false),
            (true, &[9_600, 9_800, 10_000], false),
            // A scan that is late by any time.
            (true, &[50_000], false),
            (false, &[], false),
            (false, &[5_000], false),
        ] {
            loom::model(move || {
                let actual = hits_after_scans(hits_skip_clock, scans);
                assert_eq!(actual, expected, "{hits_skip_clock} {scans:?}");
            });
        }
    }

    /// The next scan is neither later nor earlier than necessary.
    #[test]
    fn refresher_sleeps_until_the_clock_must_be_checked() {
        loom::model(|| {
            let state = state(true);
            assert_eq!(state.next_wakeup(), 9_600);
            state.scan(9_600);
            assert_eq!(state.next_wakeup(), 9_800);
            state.scan(9_800);
            // The key is scheduled for when it is due.
            assert_eq!(state.next_wakeup(), 10_000);
        });
    }

    /// Polls are as punctual as refreshes, and entries that are due and idle don't wake the
    /// refresher at the pace of polls.
    #[test]
    fn idle_entry_is_scanned_at_the_pace_of_the_refresh_interval() {
        loom::model(|| {
            let state = state_with(1_000, true);
            for (now, next) in [(1_000, 1_860), (1_860, 1_880), (1_880, 1_900)] {
                state.scan(now);
                assert_eq!(state.next_wakeup(), next, "at {now}");
            }
            assert_eq!(state.pop_due(1_900), Some(1));
            let entry = state.entries.find(&1).unwrap();
            let entry = entry.get().unwrap();
            entry.clear_accessed();
            state.scan(1_900);
            assert_eq!(state.next_wakeup(), 2_100);
            state.schedule_refresh(&1, 1_950);
            assert_eq!(state.next_wakeup(), 1_950, "a reader can't start the refresh");
            assert_eq!(state.pop_due(1_950), Some(1));
            entry.mark_accessed();
            state.scan(2_100);
            assert_eq!(state.pop_due(2_100), Some(1), "it is in use again");
        });
    }

    #[test]
    fn clock_is_checked_after_the_refresher_has_ended() {
        loom::model(|| {
            let state = Arc::new(state(true));
            assert!(hits(&state));
            state.set_hits_skip_clock(false);
            assert!(!hits(&state));
            drop(state.replace(1, Loaded::versioned(8, Version::new(2)), 2_000, 0));
            state.scan(2_100);
            assert!(!hits(&state), "a value that is inserted without a refresher");
            state.set_hits_skip_clock(true);
            state.scan(2_200);
            assert!(hits(&state));
        });
    }
}
