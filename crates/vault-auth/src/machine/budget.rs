//! A rate limit for logins and renewals: six in any minute, no matter what fails.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The maximum number of requests in a [`WINDOW`].
const MAX_REQUESTS: usize = 6;
/// The length of the sliding window.
const WINDOW: Duration = Duration::from_secs(60);

/// A sliding-window rate limit.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// When the requests of the last [`WINDOW`] were sent.
    sent: VecDeque<Instant>,
    /// Whether the last request was counted.
    last_counted: bool,
}

impl Budget {
    /// Counts a request that is sent now, unless it is `exempt`.
    ///
    /// # Errors
    /// Returns when the next request may be sent if the budget is exhausted.
    pub(super) fn spend(&mut self, exempt: bool, now: Instant) -> Result<(), Instant> {
        if !exempt {
            self.count(now)?;
        }
        self.last_counted = !exempt;
        Ok(())
    }

    fn count(&mut self, now: Instant) -> Result<(), Instant> {
        while self.sent.front().is_some_and(|sent| *sent + WINDOW <= now) {
            self.sent.pop_front();
        }
        match self.sent.front() {
            Some(first) if self.sent.len() >= MAX_REQUESTS => Err(*first + WINDOW),
            _ => {
                self.sent.push_back(now);
                Ok(())
            }
        }
    }

    /// Uncounts the last request, because it reached no active node.
    pub(super) fn refund(&mut self) {
        if std::mem::take(&mut self.last_counted) {
            self.sent.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn any_minute_has_six_requests_at_most() {
        let (mut budget, begin) = (Budget::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        for second in 0..6 {
            assert_eq!(budget.spend(false, at(second * 10)), Ok(()));
        }
        assert_eq!(budget.spend(false, at(59)), Err(at(60)));
        assert_eq!(budget.spend(false, at(60)), Ok(()));
        assert_eq!(budget.spend(false, at(60)), Err(at(70)));
        budget.refund();
        assert_eq!(budget.spend(false, at(61)), Ok(()));
    }
}
