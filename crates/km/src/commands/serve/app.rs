//! The state that all requests share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use km_proxy_adapter::{KeyManager, PreloadProgress};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::info;

use super::auth::token::Token;
use super::readiness::Readiness;

/// The upper limit for a request, whatever `KM_DEADLINE` is.
const MAX_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The time added to `KM_DEADLINE`, so that an operation reports its own timeout first.
const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// The state of the sidecar.
pub(super) struct App {
    pub(super) keys: KeyManager,
    /// The namespace and mount that the Vault API serves.
    pub(super) mount: String,
    pub(super) token: Token,
    pub(super) readiness: Readiness,
    pub(super) recorder: PrometheusHandle,
    /// How long a request may take.
    pub(super) request_timeout: Duration,
    /// The tasks of changes, which outlive their request if the client disconnects.
    changes: Mutex<JoinSet<()>>,
}

impl App {
    pub(super) fn new(keys: KeyManager, token: Token, recorder: PrometheusHandle) -> Self {
        let deadline = keys.settings().server.deadline.saturating_add(DEADLINE_MARGIN);
        Self {
            mount: keys.mount(),
            token,
            readiness: Readiness::new(keys.clone()),
            recorder,
            request_timeout: MAX_REQUEST_TIMEOUT.min(deadline),
            changes: Mutex::default(),
            keys,
        }
    }

    /// Returns the namespace of the mount; `None` is the root namespace.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.keys.settings().location.namespace.as_deref()
    }

    /// Loads the names of the configuration into the cache.
    pub(super) async fn preload(&self) {
        let (mut count, mut failed) = (0, 0);
        let on_loaded = |read: PreloadProgress<'_>| {
            count = read.total;
            if let Some(error) = read.error {
                failed += 1;
                info!(name = read.name, error = error.message(), "preload failed");
            }
        };
        self.keys.preload(on_loaded).await;
        info!(names = count, failed, "preload finished");
    }

    /// Runs a change in its own task, so that a client that disconnects does not cancel it half
    /// way. Returns `None` if this process ends first.
    pub(super) async fn run_to_completion<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (sender, outcome) = oneshot::channel();
        {
            let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
            while changes.try_join_next().is_some() {}
            changes.spawn(async move {
                // The receiver is dropped if the client has disconnected.
                let _ = sender.send(change.await);
            });
        }
        outcome.await.ok()
    }

    /// Waits for all changes in flight. Dropping the future aborts those that still run.
    pub(super) async fn wait_for_changes(&self) {
        let mut changes =
            std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner));
        while changes.join_next().await.is_some() {}
    }
}
