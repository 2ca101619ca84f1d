//! Health checks for status calls: at most one a second, and one at a time for all callers.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use vault_http::{Client, Deadline, ServerStatus};

/// The age up to which the outcome of any request counts as the current state of the server.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The time limit for a check. A server that takes longer is not healthy.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How much longer than a check its callers wait.
const GRACE: Duration = Duration::from_millis(50);

/// The health checks of a server.
#[derive(Debug, Default)]
pub(crate) struct HealthChecks {
    /// When the last check ended. Locked during a check.
    last: Mutex<Option<Instant>>,
}

impl HealthChecks {
    /// Returns the state of the server. A check is sent if no request has just shown it, which takes
    /// no longer than `deadline`.
    pub(super) async fn status(&self, client: &Client, deadline: Duration) -> ServerStatus {
        let limit = TIMEOUT.min(deadline);
        let check = async {
            let mut last = self.last.lock().await;
            let has_checked = last.is_some_and(|at| at.elapsed() < MAX_AGE);
            if !has_checked && !is_known(&client.server_status()) {
                client.check_health(Deadline::after(limit)).await;
                *last = Some(Instant::now());
            }
        };
        // If this times out, the last state that is known is the best that there is.
        let _ = timeout(limit + GRACE, check).await;
        client.server_status()
    }
}

/// Returns whether requests have just shown the state, and a health check the version.
fn is_known(status: &ServerStatus) -> bool {
    status.version.is_some() && status.age.is_some_and(|age| age < MAX_AGE)
}
