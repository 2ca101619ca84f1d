//! One point in time by which an operation ends, whatever it is made of.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until};

/// The end of an operation: every exchange, login and wait that it needs shares it.
///
/// Counts on the monotonic clock, and on virtual time in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `budget` from now.
    pub fn after(budget: Duration) -> Self {
        let now = Instant::now();
        // A budget beyond what the clock can count is no bound anybody will see.
        Self(now.checked_add(budget).unwrap_or(now + Duration::from_secs(86_400 * 365)))
    }

    /// The earlier of this deadline and the one `budget` from now.
    #[must_use]
    pub fn within(self, budget: Duration) -> Self {
        self.min(Self::after(budget))
    }

    /// What is left, zero once it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it ends before `moment`.
    pub(crate) fn is_before(self, moment: Instant) -> bool {
        self.0 <= moment
    }

    /// Whether it has passed.
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// Runs `future` until the deadline; `None` when that came first, and `future` is dropped. A large
    /// future is better pinned by the caller, because this one would hold it twice.
    pub async fn bound<F: Future>(self, future: F) -> Option<F::Output> {
        let (mut future, mut timer) = (pin!(future), pin!(None));
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            // A future that is ready at once costs no timer.
            if timer.is_none() {
                // Like `tokio::time::timeout`, ends a future that uses up the task's budget.
                timer.set(Some(unconstrained(sleep_until(self.0))));
            }
            timer.as_mut().as_pin_mut().map_or(Poll::Pending, |timer| timer.poll(cx).map(|()| None))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_future_ends_at_the_deadline() {
        let started = Instant::now();
        let deadline = Deadline::after(Duration::from_secs(5));
        assert_eq!(deadline.bound(std::future::pending::<()>()).await, None);
        assert_eq!(started.elapsed().as_secs(), 5);
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_deadline_wins() {
        let deadline = Deadline::after(Duration::from_secs(5));
        assert_eq!(deadline.within(Duration::from_secs(1)).remaining().as_secs(), 1);
        assert_eq!(deadline.within(Duration::from_secs(9)).remaining().as_secs(), 5);
        assert!(Deadline::after(Duration::MAX).remaining() > Duration::from_secs(86_400));
    }
}
