//! What is known about a source that can't be asked. Pure: the caller supplies the time.

use crate::policy::age::Tick;

/// The interval between two probes of a source that can't be asked, for all keys together, in
/// nanoseconds.
pub(crate) const PROBE_INTERVAL: u64 = 1_000_000_000;

/// How long a failure proves that the source can't be asked, in nanoseconds. Longer than the time
/// from one probe to the next, and to the end of that one; short enough that a reader which comes
/// long after the last probe asks the source again.
const KNOWN_FOR: u64 = 3_000_000_000;

/// An outage of the source, found by a refresh that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    /// When the next probe may be sent.
    pub(crate) next_probe: Tick,
    known_until: Tick,
}

impl Outage {
    /// A refresh failed at `now`.
    pub(crate) fn new(now: Tick) -> Self {
        let (next_probe, known_until) =
            (now.saturating_add(PROBE_INTERVAL), now.saturating_add(KNOWN_FOR));
        Self { next_probe, known_until }
    }

    /// Whether the source is known to be unavailable.
    pub(crate) fn is_known(self, now: Tick) -> bool {
        now < self.known_until
    }

    /// A probe is sent.
    pub(crate) fn probed(&mut self, now: Tick) {
        self.next_probe = now.saturating_add(PROBE_INTERVAL);
        self.known_until = now.saturating_add(KNOWN_FOR);
    }

    /// Another refresh failed. The next probe is not put off: the interval counts between requests.
    pub(crate) fn failed(&mut self, now: Tick) {
        self.known_until = now.saturating_add(KNOWN_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outage_is_known_until_the_last_failure_is_old() {
        let mut outage = Outage::new(7);
        assert!(outage.is_known(7) && outage.is_known(6 + KNOWN_FOR));
        assert!(!outage.is_known(7 + KNOWN_FOR));
        outage.probed(10);
        assert_eq!(outage.next_probe, 10 + PROBE_INTERVAL);
        outage.failed(20);
        assert_eq!(outage.next_probe, 10 + PROBE_INTERVAL, "a failure puts no probe off");
        assert!(outage.is_known(19 + KNOWN_FOR) && !outage.is_known(20 + KNOWN_FOR));
    }
}
