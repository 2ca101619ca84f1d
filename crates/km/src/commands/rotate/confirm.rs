//! Waits until every target shows the current key.
//!
//! Vault is read in each round, so that a newer version is expected too once another writer has
//! stored one. A target that fails for good ends the wait at once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use km_proxy_adapter::{ErrorKind, StoredKey};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::info;

use super::target::{Shown, Target};
use crate::error::Failure;
use crate::io::log::ROTATE;

/// The time between the first two rounds. It doubles up to [`MAX_INTERVAL`].
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// The longest time between two rounds. A sidecar reads a secret again at most once a second.
const MAX_INTERVAL: Duration = Duration::from_secs(1);

/// The targets, and how long they may take.
pub(super) struct Confirmation<'a> {
    pub(super) name: &'a str,
    pub(super) targets: &'a [Target],
    pub(super) timeout: Duration,
}

impl Confirmation<'_> {
    /// Waits until all targets show the key that `current` returns, and returns that key.
    ///
    /// # Errors
    ///
    /// - The failure of `current`, which decides whether the current key may be confirmed.
    /// - Every failure of a target that does not pass by itself.
    /// - `Unavailable` with all targets that do not show the key in time.
    pub(super) async fn wait(
        &self,
        mut current: impl AsyncFnMut() -> Result<StoredKey, Failure>,
    ) -> Result<StoredKey, Failure> {
        let deadline = Instant::now() + self.timeout;
        let (mut logged, mut interval) = (BTreeMap::new(), MIN_INTERVAL);
        loop {
            let key = current().await?;
            let pending = self.round(&key, deadline).await?;
            if pending.is_empty() {
                return Ok(key);
            }
            for (target, why) in &pending {
                if logged.insert(target.clone(), why.clone()).as_ref() != Some(why) {
                    info!(target: ROTATE, "waiting for {target}: {why}");
                }
            }
            if Instant::now() + interval >= deadline {
                return Err(self.timed_out(&key, pending));
            }
            sleep(interval).await;
            interval = (interval * 2).min(MAX_INTERVAL);
        }
    }

    /// Checks all targets at the same time. Returns those that do not show the key, with
    /// the reason.
    async fn round(
        &self,
        key: &StoredKey,
        deadline: Instant,
    ) -> Result<Vec<(String, String)>, Failure> {
        let checks = self.targets.iter().map(|target| async move {
            let shown = timeout_at(deadline, target.check(self.name, key)).await;
            (target, shown.unwrap_or_else(|_| Ok(Shown::Other("no response".to_owned()))))
        });
        let (mut pending, mut failed) = (Vec::new(), None::<Failure>);
        for (target, shown) in join_all(checks).await {
            match shown {
                Ok(Shown::Expected) => {}
                Ok(Shown::Other(why)) => pending.push((target.to_string(), why)),
                Err(failure) => {
                    failed = Some(match failed {
                        Some(others) => others.and(failure),
                        None => failure,
                    });
                }
            }
        }
        failed.map_or(Ok(pending), Err)
    }

    fn timed_out(&self, key: &StoredKey, pending: Vec<(String, String)>) -> Failure {
        let failures = pending.into_iter().map(|(target, why)| {
            let (name, version, limit) = (self.name, key.version, self.timeout);
            let what = format!(
                "rotate {name}: {target} did not show version {version} within {limit:?}: {why}"
            );
            let hint = "check that it is running and reads this secret, or raise --confirm-timeout";
            Failure::new(ErrorKind::Unavailable, what, hint)
        });
        let nothing =
            || Failure::new(ErrorKind::Internal, "internal: no target", "report this bug");
        failures.reduce(Failure::and).unwrap_or_else(nothing)
    }
}
