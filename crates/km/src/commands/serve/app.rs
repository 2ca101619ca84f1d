//! What all requests share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use km_proxy_adapter::{KeyManager, Preloaded};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::info;

use super::auth::token::Token;
use super::readiness::Ready;

/// The longest that a request may take, whatever `KM_DEADLINE` says.
const LONGEST: Duration = Duration::from_secs(10);

/// What is added to `KM_DEADLINE`, so that an operation tells of its own end.
const TOLD_WITHIN: Duration = Duration::from_millis(500);

/// The state of the sidecar.
pub(super) struct App {
    pub(super) keys: KeyManager,
    /// Namespace and mount that the Vault door serves.
    pub(super) mount: String,
    pub(super) token: Token,
    pub(super) ready: Ready,
    pub(super) recorder: PrometheusHandle,
    /// How long a request may take.
    pub(super) limit: Duration,
    /// What changes something is a task of its own: a client that goes away doesn't stop it half
    /// way.
    changes: Mutex<JoinSet<()>>,
}

impl App {
    pub(super) fn new(keys: KeyManager, token: Token, recorder: PrometheusHandle) -> Self {
        let limit = LONGEST.min(keys.settings().server.deadline.saturating_add(TOLD_WITHIN));
        let (mount, ready, changes) = (keys.mount(), Ready::default(), Mutex::default());
        Self { keys, mount, token, ready, recorder, limit, changes }
    }

    /// Reads what the configuration names, so that it is in memory when it is asked for.
    pub(super) async fn read_ahead(&self) {
        let mut missing = 0;
        let mut count = 0;
        let tell = |read: Preloaded<'_>| {
            count = read.all;
            if let Some(error) = read.error {
                missing += 1;
                info!(name = read.name, error = error.message(), "not read ahead");
            }
        };
        self.keys.preload(tell).await;
        info!(names = count, missing, "read ahead");
    }

    /// Runs what changes something to its end, whether the caller waits for it or not. `None` when
    /// this process ends before.
    pub(super) async fn to_its_end<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (done, outcome) = oneshot::channel();
        {
            let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
            while changes.try_join_next().is_some() {}
            changes.spawn(async move {
                // The caller may be gone.
                let _ = done.send(change.await);
            });
        }
        outcome.await.ok()
    }

    /// Waits for all of them; those that still run when it is dropped end with this process.
    pub(super) async fn changes_end(&self) {
        let mut changes =
            std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner));
        while changes.join_next().await.is_some() {}
    }
}
