//! Permits for concurrent loads, and the order in which they are granted.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::state::outcome::LoadReason;

/// Grants permits first come, first served, and prefers misses to refreshes: at most one refresh is
/// ahead of a miss in the queue.
pub(crate) struct LoadPermits {
    loads: Arc<Semaphore>,
    next_refresh: Semaphore,
}

impl LoadPermits {
    pub(crate) fn new(max_loads: usize) -> Self {
        let loads = Arc::new(Semaphore::new(max_loads.min(Semaphore::MAX_PERMITS)));
        Self { loads, next_refresh: Semaphore::new(1) }
    }

    /// Waits for a permit. It never returns `None`, because the semaphores are never closed.
    pub(crate) async fn acquire(&self, reason: LoadReason) -> Option<OwnedSemaphorePermit> {
        let _next_refresh = match reason {
            LoadReason::Miss => None,
            LoadReason::Refresh | LoadReason::Probe => self.next_refresh.acquire().await.ok(),
        };
        Arc::clone(&self.loads).acquire_owned().await.ok()
    }
}
