//! Permits for the loads that run at the same time, in the order in which they are granted.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::state::outcome::Cause;

/// Grants permits first come, first served, with loads that callers wait for before refreshes: only
/// one refresh at a time is in the queue that a miss has to wait in.
pub(crate) struct LoadPermits {
    loads: Arc<Semaphore>,
    next_refresh: Semaphore,
}

impl LoadPermits {
    pub(crate) fn new(max_loads: usize) -> Self {
        let loads = Arc::new(Semaphore::new(max_loads.min(Semaphore::MAX_PERMITS)));
        Self { loads, next_refresh: Semaphore::new(1) }
    }

    /// Waits for a permit. `None` never happens: the semaphores are not closed.
    pub(crate) async fn acquire(&self, cause: Cause) -> Option<OwnedSemaphorePermit> {
        let _next_refresh = match cause {
            Cause::Miss => None,
            Cause::Refresh | Cause::Probe => self.next_refresh.acquire().await.ok(),
        };
        Arc::clone(&self.loads).acquire_owned().await.ok()
    }
}
