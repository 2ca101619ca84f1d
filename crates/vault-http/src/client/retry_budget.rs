//! The retry budget, which limits how much retries amplify an outage.

use std::sync::{Mutex, PoisonError};

/// The cost of a retry, in units of what a request deposits.
const COST: u32 = 12;
/// The deposit of a request.
const DEPOSIT: u32 = 1;
/// The initial balance: 12 retries for a program that sends few requests.
const INITIAL_BALANCE: u32 = 12 * COST;
/// The maximum balance: enough for all requests in flight when an outage begins, and its probes.
const MAX_BALANCE: u32 = 128 * COST;

/// The balance of retries that all requests of a client share: one retry per twelve requests, and a
/// reserve.
#[derive(Debug)]
pub(super) struct RetryBudget(Mutex<u32>);

impl RetryBudget {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(INITIAL_BALANCE))
    }

    /// Adds the deposit of a request.
    pub(super) fn deposit(&self) {
        let mut balance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *balance = (*balance + DEPOSIT).min(MAX_BALANCE);
    }

    /// Returns whether the balance covers a retry.
    pub(super) fn covers_retry(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) >= COST
    }

    /// Pays for a retry, and returns whether the balance covered it.
    pub(super) fn try_withdraw(&self) -> bool {
        let mut balance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let covered = *balance >= COST;
        if covered {
            *balance -= COST;
        }
        covered
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn initial_balance_covers_twelve_retries() {
        let budget = RetryBudget::new();
        assert_eq!(
            std::iter::repeat_with(|| budget.try_withdraw()).take_while(|got| *got).count(),
            12
        );
    }

    proptest! {
        #[test]
        fn retries_stay_within_a_tenth_and_the_reserve(requests in 1_usize..5_000) {
            let budget = RetryBudget::new();
            let sent: usize = (0..requests).map(|_| {
                budget.deposit();
                1 + std::iter::repeat_with(|| budget.try_withdraw()).take_while(|got| *got).count()
            }).sum();
            prop_assert!(sent <= requests * 11 / 10 + 12, "{sent} for {requests}");
        }
    }
}
