//! Retry delays of a refused credential.
//!
//! AppRole, userpass and LDAP lock out a role or a user after five failed logins, even for the
//! right credential (<https://developer.hashicorp.com/vault/docs/concepts/user-lockout>). Fewer are
//! made here, so that a gateway never locks out its role.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The delays after the first, the second and each further refusal in a row.
const DELAYS: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(60), Duration::from_secs(300)];
/// The window in which failed logins are counted, which is Vault's default lockout duration.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// The maximum number of failed logins with one credential in a [`WINDOW`].
const MAX_REFUSALS: usize = 3;
/// The maximum number if the credential has changed, which is one below the lockout threshold.
const MAX_REFUSALS_CHANGED: usize = 4;

/// The refused logins since the last successful one.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    consecutive: usize,
    /// When the refused logins of the last [`WINDOW`] were made.
    recent: VecDeque<Instant>,
}

impl Refusals {
    /// Records a refused login.
    pub(super) fn record(&mut self, now: Instant) {
        self.consecutive += 1;
        self.recent.push_back(now);
    }

    /// Forgets all refusals after a successful login, which resets the server's count too.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns when the same credential is retried.
    pub(super) fn next_attempt(&mut self, now: Instant, locks_out: bool) -> Instant {
        let delay = DELAYS.get(self.consecutive.saturating_sub(1)).or(DELAYS.last());
        let next = now + delay.copied().unwrap_or_default();
        if locks_out { next.max(self.fewer_than(MAX_REFUSALS, now)) } else { next }
    }

    /// Returns when a changed credential may be tried, which is usually now.
    pub(super) fn next_attempt_if_changed(&mut self, now: Instant, locks_out: bool) -> Instant {
        if locks_out { self.fewer_than(MAX_REFUSALS_CHANGED, now) } else { now }
    }

    /// Returns when the [`WINDOW`] has fewer than `max` refusals.
    fn fewer_than(&mut self, max: usize, now: Instant) -> Instant {
        while self.recent.front().is_some_and(|at| *at + WINDOW <= now) {
            self.recent.pop_front();
        }
        let last_counted = self.recent.len().checked_sub(max).and_then(|i| self.recent.get(i));
        last_counted.map_or(now, |at| *at + WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the seconds at which a credential that is always refused is tried in two hours.
    fn attempts(locks_out: bool) -> Vec<u64> {
        let (mut refusals, begin) = (Refusals::default(), Instant::now());
        let (mut now, mut attempts) = (begin, vec![]);
        while now < begin + Duration::from_secs(7_200) {
            attempts.push((now - begin).as_secs());
            refusals.record(now);
            now = refusals.next_attempt(now, locks_out);
        }
        attempts
    }

    #[tokio::test(start_paused = true)]
    async fn delays_of_a_refused_credential_grow_to_five_minutes() {
        assert_eq!(attempts(false)[..5], [0, 5, 65, 365, 665]);
    }

    #[tokio::test(start_paused = true)]
    async fn method_with_lockout_is_tried_three_times_in_fifteen_minutes() {
        let attempts = attempts(true);
        assert_eq!(attempts[..4], [0, 5, 65, 900]);
        for from in &attempts {
            let recent = attempts.iter().filter(|at| *at >= from && **at < from + 900).count();
            assert!(recent <= 3, "{attempts:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn changed_credential_is_tried_at_once_but_stays_below_the_lockout() {
        let (mut refusals, now) = (Refusals::default(), Instant::now());
        for expected in [now, now, now, now, now + WINDOW] {
            assert_eq!(refusals.next_attempt_if_changed(now, true), expected);
            refusals.record(now);
        }
        assert_eq!(refusals.next_attempt_if_changed(now, false), now);
        refusals.clear();
        assert_eq!(refusals.next_attempt_if_changed(now, true), now);
    }
}
