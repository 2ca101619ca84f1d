//! Limits concurrent requests and the queue behind them.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::deadline::Deadline;

/// A limit on concurrent requests with a bounded queue.
#[derive(Debug)]
pub(super) struct ConcurrencyLimit {
    permits: Semaphore,
    queued: AtomicUsize,
    max_queued: usize,
}

/// An entry in the queue, which is removed on drop.
struct Queued<'a>(&'a AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl ConcurrencyLimit {
    pub(super) fn new(max_in_flight: usize, max_queued: usize) -> Self {
        let (permits, queued) = (Semaphore::new(max_in_flight), AtomicUsize::new(0));
        Self { permits, queued, max_queued }
    }

    /// Obtains the permit that a request holds while it is in flight. Returns `None` if the queue
    /// is full, or if no permit becomes free before the deadline.
    pub(super) async fn acquire(&self, deadline: Deadline) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Some(permit);
        }
        let ahead = self.queued.fetch_add(1, Relaxed);
        let _queued = Queued(&self.queued);
        if ahead >= self.max_queued {
            return None;
        }
        // The semaphore is never closed.
        let permit = deadline.bound(self.permits.acquire()).await?.ok()?;
        // A permit that became free just as the deadline passed is of no use.
        (!deadline.has_passed()).then_some(permit)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    const MAX_IN_FLIGHT: usize = 64;
    const MAX_QUEUED: usize = 1_024;

    async fn queue_is_full(limit: &ConcurrencyLimit) {
        while limit.queued.load(Relaxed) < MAX_QUEUED {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_in_flight_and_in_the_queue_are_bounded() {
        let limit = Arc::new(ConcurrencyLimit::new(MAX_IN_FLIGHT, MAX_QUEUED));
        let deadline = Deadline::after(Duration::from_secs(1));
        let mut permits = Vec::new();
        for _ in 0..MAX_IN_FLIGHT {
            permits.push(limit.acquire(deadline).await.unwrap());
        }
        let mut queued = tokio::task::JoinSet::new();
        for _ in 0..MAX_QUEUED {
            let limit = Arc::clone(&limit);
            queued.spawn(async move { limit.acquire(deadline).await.is_some() });
        }
        queue_is_full(&limit).await;
        assert!(limit.acquire(deadline).await.is_none(), "a full queue rejects at once");
        assert_eq!(deadline.remaining(), Duration::from_secs(1));
        drop(permits.pop());
        let acquired = queued.join_all().await;
        assert!(
            acquired.iter().all(|acquired| *acquired),
            "a free permit passes through the queue"
        );
        assert_eq!(limit.queued.load(Relaxed), 0);

        permits.push(limit.acquire(deadline).await.unwrap());
        assert!(limit.acquire(deadline).await.is_none(), "no permit is free before the deadline");
        assert_eq!(deadline.remaining(), Duration::ZERO);
        assert_eq!(limit.queued.load(Relaxed), 0);
    }
}
