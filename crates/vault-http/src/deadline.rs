//! The deadline of an operation.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// The time by which an operation ends, shared by every request, login and wait that it involves.
///
/// Measured by the monotonic clock of `tokio`, so that tests can pause it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// Returns the deadline `budget` from now.
    pub fn after(budget: Duration) -> Self {
        let now = Instant::now();
        // A budget that overflows the clock is as good as a year.
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
    pub async fn bound<F: Future>(self, future: F) -> Option<F::Output> {
        timeout_at(self.0, future).await.ok()
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
