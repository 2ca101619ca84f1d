//! Outages of the source.

use crate::error::Error;
use crate::policy::age::Tick;

/// The interval between two probes of a source that is unavailable, for all keys together, in
/// nanoseconds.
pub(crate) const PROBE_INTERVAL: u64 = 1_000_000_000;

/// How long after a failure the source counts as unavailable, in nanoseconds. This is longer than
/// the time from one probe to the end of the next, and short enough that a reader long after the
/// last probe tries the source again.
const KNOWN_FOR: u64 = 3_000_000_000;

/// An outage of the source. It is detected by a refresh that fails.
pub(crate) struct Outage<E> {
    /// The last error of the source.
    pub(crate) error: Error<E>,
    /// When the next probe may be sent.
    pub(crate) next_probe: Tick,
    known_until: Tick,
}

impl<E> Outage<E> {
    /// Creates an outage that was detected at `now`.
    pub(crate) fn new(error: Error<E>, now: Tick) -> Self {
        let (next_probe, known_until) =
            (now.saturating_add(PROBE_INTERVAL), now.saturating_add(KNOWN_FOR));
        Self { error, next_probe, known_until }
    }

    /// Returns whether the source still counts as unavailable.
    pub(crate) fn is_known(&self, now: Tick) -> bool {
        now < self.known_until
    }

    /// Records that a probe is sent.
    pub(crate) fn probed(&mut self, now: Tick) {
        self.next_probe = now.saturating_add(PROBE_INTERVAL);
        self.known_until = now.saturating_add(KNOWN_FOR);
    }

    /// Records that another refresh failed. This doesn't delay the next probe, because the probe
    /// interval is the time between two requests.
    pub(crate) fn failed(&mut self, error: Error<E>, now: Tick) {
        self.error = error;
        self.known_until = now.saturating_add(KNOWN_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outage_is_known_until_three_seconds_after_the_last_failure() {
        let mut outage = Outage::<()>::new(Error::Busy, 7);
        assert!(outage.is_known(7) && outage.is_known(6 + KNOWN_FOR));
        assert!(!outage.is_known(7 + KNOWN_FOR));
        outage.probed(10);
        assert_eq!(outage.next_probe, 10 + PROBE_INTERVAL);
        outage.failed(Error::Panicked, 20);
        assert!(matches!(outage.error, Error::Panicked), "the last error is returned");
        assert_eq!(outage.next_probe, 10 + PROBE_INTERVAL, "a failure delays no probe");
        assert!(outage.is_known(19 + KNOWN_FOR) && !outage.is_known(20 + KNOWN_FOR));
    }
}
