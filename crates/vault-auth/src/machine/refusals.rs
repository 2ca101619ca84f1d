//! When a refused credential is tried again.
//!
//! AppRole, userpass and LDAP lock a role or a user out after five failed logins
//! (<https://developer.hashicorp.com/vault/docs/concepts/user-lockout>), the right credential
//! included. Fewer are made here, so that a gateway never locks its role out.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The waits after the first, the second and each further refusal in a row.
const WAITS: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(60), Duration::from_secs(300)];
/// The period in which failed logins are counted: Vault's lockout duration.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Failed logins in a [`WINDOW`] after which the same credential is not tried again.
const MAX_REFUSALS: usize = 3;
/// The same for a credential that has changed: one more, and still one below the lockout.
const MAX_REFUSALS_CHANGED: usize = 4;

/// The refused logins since the last one that succeeded.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    consecutive: usize,
    /// When the logins of the last [`WINDOW`] were refused.
    recent: VecDeque<Instant>,
}

impl Refusals {
    /// Records a refused login.
    pub(super) fn record(&mut self, now: Instant) {
        self.consecutive += 1;
        self.recent.push_back(now);
    }

    /// Forgets all of them: a successful login resets the server's count too.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns when the credential is tried again after the last refusal.
    pub(super) fn next_attempt(&mut self, now: Instant, locks_out: bool) -> Instant {
        let wait = WAITS.get(self.consecutive.saturating_sub(1)).or(WAITS.last());
        let next = now + wait.copied().unwrap_or_default();
        if locks_out { next.max(self.fewer_than(MAX_REFUSALS, now)) } else { next }
    }

    /// Returns when a credential that has changed may be tried: now, as a rule.
    pub(super) fn next_attempt_if_changed(&mut self, now: Instant, locks_out: bool) -> Instant {
        if locks_out { self.fewer_than(MAX_REFUSALS_CHANGED, now) } else { now }
    }

    /// Returns when fewer than `most` refusals are recent.
    fn fewer_than(&mut self, most: usize, now: Instant) -> Instant {
        while self.recent.front().is_some_and(|at| *at + WINDOW <= now) {
            self.recent.pop_front();
        }
        let last_counted = self.recent.len().checked_sub(most).and_then(|i| self.recent.get(i));
        last_counted.map_or(now, |at| *at + WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which a credential that is always refused is tried within two hours.
    fn tries(locks_out: bool) -> Vec<u64> {
        let (mut refusals, begin) = (Refusals::default(), Instant::now());
        let (mut now, mut tries) = (begin, vec![]);
        while now < begin + Duration::from_secs(7_200) {
            tries.push((now - begin).as_secs());
            refusals.record(now);
            now = refusals.next_attempt(now, locks_out);
        }
        tries
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_five_minutes() {
        assert_eq!(tries(false)[..5], [0, 5, 65, 365, 665]);
    }

    #[tokio::test(start_paused = true)]
    async fn method_that_locks_out_is_tried_three_times_in_fifteen_minutes() {
        let tries = tries(true);
        assert_eq!(tries[..4], [0, 5, 65, 900]);
        for from in &tries {
            let recent = tries.iter().filter(|at| *at >= from && **at < from + 900).count();
            assert!(recent <= 3, "{tries:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn changed_credential_is_tried_at_once_but_never_up_to_the_lockout() {
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
