//! Traffic classes, which keep logins and renewals from queuing behind reads.

use super::availability::Availability;
use super::concurrency::ConcurrencyLimit;
use super::retry_budget::RetryBudget;

/// The limits of ordinary requests. More requests in flight would not make a slow server faster.
const MAX_IN_FLIGHT: usize = 64;
const MAX_QUEUED: usize = 1_024;
/// The limits of control traffic, of which a token source rarely has two requests in flight.
const CONTROL_MAX_IN_FLIGHT: usize = 8;
const CONTROL_MAX_QUEUED: usize = 64;

/// What all requests of one class share: a concurrency limit, a retry budget and the availability
/// of the server as they have observed it.
pub(super) struct TrafficClass {
    pub(super) concurrency: ConcurrencyLimit,
    pub(super) budget: RetryBudget,
    pub(super) availability: Availability,
}

impl TrafficClass {
    /// Creates the class of ordinary requests.
    pub(super) fn ordinary() -> Self {
        Self::new(ConcurrencyLimit::new(MAX_IN_FLIGHT, MAX_QUEUED))
    }

    /// Creates the class of logins, renewals and look-ups.
    pub(super) fn control() -> Self {
        Self::new(ConcurrencyLimit::new(CONTROL_MAX_IN_FLIGHT, CONTROL_MAX_QUEUED))
    }

    fn new(concurrency: ConcurrencyLimit) -> Self {
        Self { concurrency, budget: RetryBudget::new(), availability: Availability::default() }
    }
}
