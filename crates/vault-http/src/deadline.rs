//! The deadline of an operation.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until};

/// The time by which an operation ends, shared by every request, login and wait that it involves.
///
/// Measured by the monotonic clock of `tokio`, so that tests can pause it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// Returns the deadline `budget` from now.
    pub fn after(budget: Duration) -> Self {
        let now = Instant::now();
        // A budget that the clock cannot represent is treated as one year.
        Self(now.checked_add(budget).unwrap_or(now + Duration::from_secs(86_400 * 365)))
    }

    /// Returns the earlier of this deadline and the one `budget` from now.
    #[must_use]
    pub fn within(self, budget: Duration) -> Self {
        self.min(Self::after(budget))
    }

    /// Returns the time that remains, which is zero once the deadline has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Returns whether the deadline is at or before `moment`.
    pub(crate) fn is_before(self, moment: Instant) -> bool {
        self.0 <= moment
    }

    /// Returns whether the deadline has passed.
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// Runs `future` until the deadline. Returns `None` and drops `future` if the deadline passes
    /// first.
    ///
    /// The returned future stores `future` twice. Pin a large future before passing it.
    pub async fn bound<F: Future>(self, future: F) -> Option<F::Output> {
        let (mut future, mut timer) = (pin!(future), pin!(None));
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            // A future that completes without waiting needs no timer.
            if timer.is_none() {
                // Like `tokio::time::timeout`, the timer fires even if the future has used up the
                // cooperative budget of the task.
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
    async fn future_is_dropped_at_the_deadline() {
        let started = Instant::now();
        let deadline = Deadline::after(Duration::from_secs(5));
        assert_eq!(deadline.bound(std::future::pending::<()>()).await, None);
        assert_eq!(started.elapsed().as_secs(), 5);
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn within_returns_the_earlier_deadline() {
        let deadline = Deadline::after(Duration::from_secs(5));
        assert_eq!(deadline.within(Duration::from_secs(1)).remaining().as_secs(), 1);
        assert_eq!(deadline.within(Duration::from_secs(9)).remaining().as_secs(), 5);
        assert!(Deadline::after(Duration::MAX).remaining() > Duration::from_secs(86_400));
    }
}
