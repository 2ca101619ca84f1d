//! How many requests are in flight at once, and how many may wait for that.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::deadline::Deadline;

#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
}

/// Counts one who waits, also one who gives up.
struct Waiter<'a>(&'a AtomicUsize);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Gate {
    /// At most `in_flight` requests at once, and at most `max_waiting` that wait for that.
    pub(crate) fn new(in_flight: usize, max_waiting: usize) -> Self {
        let (places, waiting) = (Semaphore::new(in_flight), AtomicUsize::new(0));
        Self { places, waiting, max_waiting }
    }

    /// A place in flight, for as long as it is held; `None` when there is none by the deadline, or
    /// too many wait already.
    pub(crate) async fn enter(&self, deadline: Deadline) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.places.try_acquire() {
            return Some(place);
        }
        let ahead = self.waiting.fetch_add(1, Relaxed);
        let _waiter = Waiter(&self.waiting);
        if ahead >= self.max_waiting {
            return None;
        }
        // Nobody closes the semaphore.
        let place = deadline.bound(self.places.acquire()).await?.ok()?;
        // A place that came free at the deadline is none: nothing is sent after it.
        (!deadline.remaining().is_zero()).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    const IN_FLIGHT: usize = 64;
    const WAITING: usize = 1_024;

    #[tokio::test(start_paused = true)]
    async fn places_are_bounded_and_so_is_the_queue() {
        let gate = Arc::new(Gate::new(IN_FLIGHT, WAITING));
        let soon = Deadline::after(Duration::from_secs(1));
        let mut held = Vec::new();
        for _ in 0..IN_FLIGHT {
            held.push(gate.enter(soon).await.unwrap());
        }
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..WAITING {
            let gate = Arc::clone(&gate);
            waiting.spawn(async move { gate.enter(soon).await.is_some() });
        }
        while gate.waiting.load(Relaxed) < WAITING {
            tokio::task::yield_now().await;
        }
        assert!(gate.enter(soon).await.is_none(), "the queue is full: told at once");
        assert_eq!(soon.remaining(), Duration::from_secs(1));
        drop(held.pop());
        let served = waiting.join_all().await;
        assert!(served.iter().all(|served| *served), "a place that was left goes round");
        assert_eq!(gate.waiting.load(Relaxed), 0);

        held.push(gate.enter(soon).await.unwrap());
        assert!(gate.enter(soon).await.is_none(), "nobody leaves by the deadline");
        assert_eq!(soon.remaining(), Duration::ZERO);
        assert_eq!(gate.waiting.load(Relaxed), 0);
    }
}
