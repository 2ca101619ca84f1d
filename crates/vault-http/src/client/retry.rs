//! Retry policy. Pure: the caller supplies the number of failures and the jitter.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Executed};

/// The upper bound of the first wait. It doubles with each failure.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The upper bound of the first wait after a rate limit. Rate limits are counted by the second, so
/// that shorter waits would be wasted.
const FIRST_WAIT_RATE_LIMITED: Duration = Duration::from_millis(250);
/// The upper bound of the first wait for a mount that is being upgraded. After an election, a
/// standby of OpenBao reports this for most of a second.
const FIRST_WAIT_UPGRADING: Duration = Duration::from_millis(500);
/// The upper bound of any wait.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// The upper bound of any wait for a standby, which catches up on its own.
const MAX_WAIT_REPLICATION_LAG: Duration = Duration::from_millis(500);

/// The upper bound of `Retry-After`, because a server may send a day.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Returns whether a retry is safe and may help. A request that may have been executed is retried
/// only if it is idempotent.
pub(super) fn is_retryable(error: &Error, idempotent: bool) -> bool {
    error.kind().semantics().retryable && (idempotent || error.executed() == Executed::No)
}

/// Returns the wait after `failures` failures, the last of which was `error`: between half and all
/// of an upper bound that doubles with each failure. The jitter is between 0 and 1.
///
/// `Retry-After` only makes the wait longer. OpenBao rounds the remaining time down, so that a 0 is
/// any time below one second.
pub(super) fn backoff(error: &Error, failures: u32, jitter: f64) -> Duration {
    let (first, max) = match error.kind() {
        ErrorKind::RateLimited => (FIRST_WAIT_RATE_LIMITED, MAX_WAIT),
        ErrorKind::ReplicationLag => (FIRST_WAIT, MAX_WAIT_REPLICATION_LAG),
        ErrorKind::Upgrading => (FIRST_WAIT_UPGRADING, MAX_WAIT),
        _ => (FIRST_WAIT, MAX_WAIT),
    };
    let doublings = failures.saturating_sub(1).min(16);
    let bound = first.saturating_mul(1 << doublings).min(max);
    let wait = bound.mul_f64(jitter.mul_add(0.5, 0.5));
    match error.retry_after() {
        Some(after) if error.kind() == ErrorKind::RateLimited => {
            wait.max(after.min(MAX_RETRY_AFTER))
        }
        _ => wait,
    }
}

#[cfg(test)]
mod tests {
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
        check(ErrorKind::NamespaceSealed, false, false);
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
        check(ErrorKind::Upgrading, 1.0, &[500, 1_000, 1_000, 1_000, 1_000, 1_000]);
    }

    #[test]
    fn retry_after_lengthens_the_wait_up_to_its_bound() {
        let check = |asked, failures, expected| {
            let after = Some(Duration::from_secs(asked));
            let limited = error(ErrorKind::RateLimited).with_retry_after(after);
            assert_eq!(backoff(&limited, failures, 1.0).as_millis(), expected, "{asked}");
        };
        check(0, 1, 250);
        check(0, 2, 500);
        check(1, 1, 1_000);
        check(2, 6, 2_000);
        check(86_400, 1, 30_000);
    }
}
