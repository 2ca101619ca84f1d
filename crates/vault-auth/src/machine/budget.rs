//! How many logins and renewals may be sent: six in any minute, whatever fails.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Requests that may be sent in a [`WINDOW`].
pub(crate) const MAX_REQUESTS: usize = 6;
/// Any period of this length.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// When the last requests were sent.
#[derive(Debug, Default)]
pub(crate) struct Budget(VecDeque<Instant>);

impl Budget {
    /// Takes one request now.
    ///
    /// # Errors
    /// The time at which the next one may be sent, if none may be sent now.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        while self.0.front().is_some_and(|sent| *sent + WINDOW <= now) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(first) if self.0.len() >= MAX_REQUESTS => Err(*first + WINDOW),
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }

    /// Returns the last request that was taken, because it reached no active node.
    pub(crate) fn refund(&mut self) {
        self.0.pop_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn six_in_any_minute() {
        let (mut budget, begin) = (Budget::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        for second in 0..6 {
            assert_eq!(budget.take(at(second * 10)), Ok(()));
        }
        assert_eq!(budget.take(at(59)), Err(at(60)));
        assert_eq!(budget.take(at(60)), Ok(()));
        assert_eq!(budget.take(at(60)), Err(at(70)));
        budget.refund();
        assert_eq!(budget.take(at(61)), Ok(()));
    }
}
