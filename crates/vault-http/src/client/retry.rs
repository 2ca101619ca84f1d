//! Retry policy. Pure: the caller supplies the time that is left and the jitter.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Executed};

/// Backoff: a bound that doubles from the first to the last of these; the wait is at least half of
/// it. A rate limit counts by the second, so that shorter waits are spent for nothing.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const FIRST_WAIT_RATE_LIMITED: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(1);
/// A standby that is behind catches up by itself.
const LAST_WAIT_BEHIND: Duration = Duration::from_millis(500);

/// Bounds of what a server may ask for with `Retry-After`, which may be 0 or huge.
const MIN_RETRY_AFTER: Duration = Duration::from_millis(100);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Returns whether sending a request again is safe and may help. What may have been executed is
/// sent again only if that changes nothing.
pub(crate) fn is_retryable(error: &Error, idempotent: bool) -> bool {
    error.kind().semantics().retryable && (idempotent || error.executed() == Executed::No)
}

/// Returns the wait after `failures` failures, the last of which was `error`. The jitter is between
/// 0 and 1.
pub(crate) fn backoff(error: &Error, failures: u32, jitter: f64) -> Duration {
    if error.kind() == ErrorKind::RateLimited
        && let Some(asked) = error.retry_after()
    {
        return asked.clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER);
    }
    let (first, last) = match error.kind() {
        ErrorKind::RateLimited => (FIRST_WAIT_RATE_LIMITED, LAST_WAIT),
        ErrorKind::ReplicationLag => (FIRST_WAIT, LAST_WAIT_BEHIND),
        _ => (FIRST_WAIT, LAST_WAIT),
    };
    let doublings = failures.saturating_sub(1).min(16);
    let bound = first.saturating_mul(1 << doublings).min(last);
    bound.mul_f64(jitter.mul_add(0.5, 0.5))
}

/// What a retry costs, and what a request adds, in the budget's unit.
const COST: u32 = 12;
const DEPOSIT: u32 = 1;
/// The retries of a program that sends few requests.
const RESERVE: u32 = 12 * COST;
/// The most that is saved up: enough for all requests in flight when an outage begins, and its
/// probes.
const MAX_BALANCE: u32 = 128 * COST;

/// The retries that all requests of a client share, so that they do not make an outage worse: a
/// reserve, and one for twelve requests, which stays below a tenth.
#[derive(Debug)]
pub(crate) struct RetryBudget(Mutex<u32>);

impl RetryBudget {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(RESERVE))
    }

    /// Adds what a request brings.
    pub(crate) fn deposit(&self) {
        let mut balance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *balance = (*balance + DEPOSIT).min(MAX_BALANCE);
    }

    /// Whether there is a retry left.
    pub(crate) fn is_covered(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) >= COST
    }

    /// Takes a retry, and returns whether there was one.
    pub(crate) fn withdraw(&self) -> bool {
        let mut balance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *balance >= COST;
        if enough {
            *balance -= COST;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "GET secret/data/a")
    }

    #[test]
    fn only_what_may_be_sent_again_is_retryable() {
        let check = |kind, reads, writes| {
            let error = error(kind);
            let retryable = (is_retryable(&error, true), is_retryable(&error, false));
            assert_eq!(retryable, (reads, writes), "{kind:?}");
        };
        check(ErrorKind::Unreachable, true, true);
        check(ErrorKind::Sealed, true, true);
        check(ErrorKind::RateLimited, true, true);
        check(ErrorKind::Upgrading, true, true);
        check(ErrorKind::ReplicationLag, true, true);
        check(ErrorKind::Interrupted, true, false);
        check(ErrorKind::Timeout, true, false);
        check(ErrorKind::Server, true, false);
        check(ErrorKind::NoLeader, true, false);
        check(ErrorKind::Tls, false, false);
        check(ErrorKind::Malformed, false, false);
        check(ErrorKind::NamespaceLocked, false, false);
        check(ErrorKind::Denied, false, false);
        check(ErrorKind::NotFound, false, false);
        check(ErrorKind::CasMismatch, false, false);
        assert!(is_retryable(&error(ErrorKind::Interrupted).mark_not_executed(), false));
    }

    #[test]
    fn waits_double_within_their_bounds() {
        let check = |kind, jitter, expected: &[u128]| {
            let waits: Vec<_> =
                (1..=6).map(|n| backoff(&error(kind), n, jitter).as_millis()).collect();
            assert_eq!(waits, expected, "{kind:?} {jitter}");
        };
        check(ErrorKind::Server, 1.0, &[50, 100, 200, 400, 800, 1_000]);
        check(ErrorKind::Server, 0.0, &[25, 50, 100, 200, 400, 500]);
        check(ErrorKind::ReplicationLag, 1.0, &[50, 100, 200, 400, 500, 500]);
        check(ErrorKind::RateLimited, 1.0, &[250, 500, 1_000, 1_000, 1_000, 1_000]);
    }

    #[test]
    fn retry_after_is_clamped() {
        for (asked, expected) in [(0, 100), (2, 2_000), (86_400, 30_000)] {
            let limited =
                error(ErrorKind::RateLimited).with_retry_after(Some(Duration::from_secs(asked)));
            assert_eq!(backoff(&limited, 1, 0.5).as_millis(), expected);
        }
    }

    #[test]
    fn reserve_is_twelve_retries() {
        let budget = RetryBudget::new();
        assert_eq!(std::iter::repeat_with(|| budget.withdraw()).take_while(|got| *got).count(), 12);
    }

    proptest! {
        #[test]
        fn retries_stay_within_a_tenth_and_the_reserve(requests in 1_usize..5_000) {
            let budget = RetryBudget::new();
            let sent: usize = (0..requests).map(|_| {
                budget.deposit();
                1 + std::iter::repeat_with(|| budget.withdraw()).take_while(|got| *got).count()
            }).sum();
            prop_assert!(sent <= requests * 11 / 10 + 12, "{sent} for {requests}");
        }
    }
}
