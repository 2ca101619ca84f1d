//! When a request is sent again: pure, time and chance are passed in.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::error::Error;
use crate::kind::{Executed, Kind};

/// How often a request is sent at most.
const TRIES: u32 = 3;
/// The same where a standby is behind: it catches up by itself.
const TRIES_BEHIND: u32 = 5;

/// Back-off: full jitter below a bound that doubles from the first to the last of these.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LAST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT_BEHIND: Duration = Duration::from_millis(500);

/// Bounds of what a server may ask for with `Retry-After`, which may be 0 or huge.
const MIN_RETRY_AFTER: Duration = Duration::from_millis(100);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The state of one request that may be sent again.
#[derive(Debug)]
pub(crate) struct Plan {
    idempotent: bool,
    sent: u32,
}

impl Plan {
    /// For a request that changes nothing (`idempotent`), or one that does.
    pub(crate) const fn new(idempotent: bool) -> Self {
        Self { idempotent, sent: 0 }
    }

    /// After `error`: how long to wait before the request is sent again, or `None`: that was it.
    /// `chance` is drawn from 0 to 1.
    pub(crate) fn next(
        &mut self,
        error: &Error,
        remaining: Duration,
        budget: &Budget,
        chance: f64,
    ) -> Option<Duration> {
        self.sent += 1;
        let tries = if error.kind() == Kind::Behind { TRIES_BEHIND } else { TRIES };
        // What may have been executed is sent again only where that changes nothing.
        let safe = self.idempotent || error.executed() == Executed::No;
        if !error.kind().class().retry || !safe || self.sent >= tries {
            return None;
        }
        let wait = self.wait(error, chance);
        (wait < remaining && budget.withdraw()).then_some(wait)
    }

    fn wait(&self, error: &Error, chance: f64) -> Duration {
        if error.kind() == Kind::RateLimited
            && let Some(asked) = error.retry_after()
        {
            return asked.clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER);
        }
        let bound = FIRST_WAIT.saturating_mul(1 << self.sent.saturating_sub(1).min(16));
        if error.kind() == Kind::Behind {
            // It needs a moment in any case.
            let most = bound.saturating_mul(2).min(LAST_WAIT_BEHIND);
            return FIRST_WAIT + most.saturating_sub(FIRST_WAIT).mul_f64(chance);
        }
        bound.min(LAST_WAIT).mul_f64(chance)
    }
}

/// What a retry costs, and what a request adds, in the budget's unit.
const PRICE: u32 = 12;
const ADDED: u32 = 1;
/// Enough for a program that sends a single request.
const RESERVE: u32 = 4 * PRICE;
const MOST: u32 = 20 * PRICE;

/// Retries that all requests of a client share, so that an outage is not made worse by them: one
/// for twelve requests beside a small reserve, which stays below a tenth from 240 requests on.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<u32>);

impl Budget {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(RESERVE))
    }

    /// A request is sent.
    pub(crate) fn deposit(&self) {
        let mut balance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *balance = (*balance + ADDED).min(MOST);
    }

    /// Whether there is a retry left; it is taken.
    fn withdraw(&self) -> bool {
        let mut balance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *balance >= PRICE;
        if enough {
            *balance -= PRICE;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn error(kind: Kind) -> Error {
        Error::new(kind, "GET secret/data/a")
    }

    /// How often a request is sent that always meets `error`.
    fn sends(idempotent: bool, error: &Error) -> u32 {
        let (budget, mut plan) = (Budget::new(), Plan::new(idempotent));
        while plan.next(error, LONG, &budget, 1.0).is_some() {}
        plan.sent
    }

    #[test]
    fn only_what_may_be_sent_again_is() {
        let check = |kind, reads, writes| {
            let error = error(kind);
            assert_eq!((sends(true, &error), sends(false, &error)), (reads, writes), "{kind:?}");
        };
        check(Kind::Unreachable, 3, 3);
        check(Kind::Sealed, 3, 3);
        check(Kind::RateLimited, 3, 3);
        check(Kind::Upgrading, 3, 3);
        check(Kind::Behind, 5, 5);
        check(Kind::Interrupted, 3, 1);
        check(Kind::Timeout, 3, 1);
        check(Kind::Server, 3, 1);
        check(Kind::NoLeader, 3, 1);
        check(Kind::Tls, 1, 1);
        check(Kind::Malformed, 1, 1);
        check(Kind::NamespaceLocked, 1, 1);
        check(Kind::Denied, 1, 1);
        check(Kind::NotFound, 1, 1);
        check(Kind::CasMismatch, 1, 1);
    }

    #[test]
    fn what_was_never_sent_is_sent_again() {
        assert_eq!(sends(false, &error(Kind::Interrupted).unsent()), 3);
    }

    #[test]
    fn waits_double_within_their_bounds() {
        let check = |kind, chance, expected: &[u128]| {
            let (budget, mut plan) = (Budget::new(), Plan::new(true));
            let next = || plan.next(&error(kind), LONG, &budget, chance);
            let waits: Vec<_> = std::iter::from_fn(next).map(|w| w.as_millis()).collect();
            assert_eq!(waits, expected, "{kind:?} {chance}");
        };
        check(Kind::Server, 1.0, &[50, 100]);
        check(Kind::Server, 0.5, &[25, 50]);
        check(Kind::Server, 0.0, &[0, 0]);
        check(Kind::Behind, 1.0, &[100, 200, 400, 500]);
        check(Kind::Behind, 0.0, &[50, 50, 50, 50]);
    }

    #[test]
    fn retry_after_is_clamped_and_stays_within_the_deadline() {
        let check = |asked: u64, remaining, expected: Option<u128>| {
            let limited = error(Kind::RateLimited);
            let limited = limited.with_retry_after(Some(Duration::from_secs(asked)));
            let wait = Plan::new(false).next(&limited, remaining, &Budget::new(), 0.5);
            assert_eq!(wait.map(|w| w.as_millis()), expected);
        };
        check(0, LONG, Some(100));
        check(2, LONG, Some(2_000));
        check(86_400, LONG, Some(30_000));
        check(86_400, Duration::from_secs(5), None);
        check(2, Duration::from_secs(1), None);
    }

    proptest! {
        #[test]
        fn an_outage_is_amplified_by_a_tenth_at_most(requests in 240_u32..5_000) {
            let budget = Budget::new();
            let sent: u32 = (0..requests).map(|_| {
                budget.deposit();
                let mut plan = Plan::new(true);
                while plan.next(&error(Kind::Unreachable), LONG, &budget, 0.0).is_some() {}
                plan.sent
            }).sum();
            prop_assert!(f64::from(sent) <= f64::from(requests) * 1.1, "{sent} for {requests}");
        }

        #[test]
        fn no_wait_reaches_the_deadline(
            remaining in 0_u64..3_000, asked in proptest::option::of(0_u64..100), chance in 0.0..=1.0,
        ) {
            let remaining = Duration::from_millis(remaining);
            let limited = error(Kind::RateLimited).with_retry_after(asked.map(Duration::from_secs));
            let wait = Plan::new(true).next(&limited, remaining, &Budget::new(), chance);
            prop_assert!(wait.is_none_or(|wait| wait < remaining));
        }
    }
}
