//! Readiness: whether the sidecar has logged in and can serve secrets.
//!
//! It is derived from the outcomes of operations. Vault is contacted for it only if they show an
//! outage or if there are none, by one check at a time for all callers.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use km_proxy_adapter::{Error, ErrorKind, KeyManager};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::metrics;

/// The interval at which readiness is published, and at which it is checked during an outage.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The interval at which Vault is probed while there are no operations.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// The time limit for a request of a check. A server that needs longer is not healthy, and
/// orchestrators do not wait longer for a probe.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The readiness of the sidecar.
#[derive(Debug)]
pub(super) struct Readiness {
    keys: KeyManager,
    logged_in: AtomicBool,
    /// The last result of [`is_ready`](Self::is_ready).
    last: AtomicBool,
    /// Whether the last operation could neither reach Vault nor serve a stale value.
    failing: AtomicBool,
    /// Whether an operation has succeeded since readiness was last published.
    succeeded: AtomicBool,
    last_read: Mutex<Option<LastRead>>,
    /// Locked during a check.
    checks: tokio::sync::Mutex<Checks>,
}

#[derive(Debug, Default)]
struct Checks {
    /// When the last check ended, and whether a secret could be served.
    last: Option<(Instant, bool)>,
    /// When an operation or a check last showed that a secret can be served.
    last_success: Option<Instant>,
}

/// The secret that was last read from Vault. A check reads it again.
#[derive(Debug, Clone)]
pub(super) enum LastRead {
    /// The name of a secret, from the native API.
    Name(String),
    /// The path of a secret below the mount, from the Vault API.
    Path(String),
}

impl Readiness {
    pub(super) fn new(keys: KeyManager) -> Self {
        Self {
            keys,
            logged_in: AtomicBool::default(),
            last: AtomicBool::default(),
            failing: AtomicBool::default(),
            succeeded: AtomicBool::default(),
            last_read: Mutex::default(),
            checks: tokio::sync::Mutex::default(),
        }
    }

    /// Records the outcome of an operation.
    pub(super) fn record_outcome(&self, error: Option<ErrorKind>) {
        let failing = is_outage(error);
        set(&self.failing, failing);
        if !failing {
            set(&self.succeeded, true);
        }
    }

    /// Records a secret that was read from Vault.
    pub(super) fn record_read(&self, read: LastRead) {
        *self.last_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
    }

    /// Logs in, and retries until that succeeds.
    pub(super) async fn first_login(&self) {
        metrics::ready(false);
        let mut is_logged = false;
        while let Err(error) = self.keys.login().await {
            if !is_logged {
                warn!(error = error.message(), "not ready: the first login failed");
                is_logged = true;
            }
            sleep(CHECK_INTERVAL).await;
        }
        self.record_outcome(None);
        self.logged_in.store(true, Relaxed);
        self.last.store(true, Relaxed);
        metrics::ready(true);
    }

    /// Publishes readiness as a metric at regular intervals, independently of requests for it.
    pub(super) async fn publish(&self) {
        loop {
            // A successful operation is as good as a check.
            if self.succeeded.swap(false, Relaxed) {
                self.checks.lock().await.last_success = Some(Instant::now());
            }
            self.is_ready().await;
            sleep(CHECK_INTERVAL).await;
        }
    }

    /// Returns whether the sidecar has logged in and can serve secrets.
    pub(super) async fn is_ready(&self) -> bool {
        let ready = self.logged_in.load(Relaxed) && self.can_serve().await;
        self.last.store(ready, Relaxed);
        metrics::ready(ready);
        ready
    }

    /// Returns whether the sidecar was ready when that was last published, which is at most seconds
    /// ago. Unlike [`is_ready`](Self::is_ready), it never waits.
    pub(super) fn last(&self) -> bool {
        self.last.load(Relaxed)
    }

    async fn can_serve(&self) -> bool {
        let is_failing = || self.failing.load(Relaxed);
        if !is_failing() && self.succeeded.load(Relaxed) {
            return true;
        }
        let mut checks = self.checks.lock().await;
        // Another caller may have checked while this one waited for the lock.
        if !is_failing() && checks.last_success.is_some_and(|at| at.elapsed() < PROBE_INTERVAL) {
            return true;
        }
        if let Some((at, result)) = checks.last
            && at.elapsed() < CHECK_INTERVAL
        {
            return result;
        }
        let result = self.check(is_failing()).await;
        let now = Instant::now();
        checks.last = Some((now, result));
        if result {
            checks.last_success = Some(now);
        }
        result
    }

    /// Probes Vault, or reads a secret that the cache may still serve, and records the outcome.
    async fn check(&self, failing: bool) -> bool {
        let last_read = self.last_read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut error = None;
        if !failing || last_read.is_none() {
            error = error_within_timeout(self.keys.probe()).await;
            self.record_outcome(error);
        }
        // If Vault cannot be reached, the cache may still serve a stale value.
        if let Some(read) = last_read.filter(|_| failing || is_outage(error)) {
            error = error_within_timeout(self.read_again(read)).await;
            self.record_outcome(error);
        }
        !is_outage(error)
    }

    async fn read_again(&self, read: LastRead) -> Result<(), Error> {
        match read {
            LastRead::Name(name) => self.keys.secret(&name).await.map(drop),
            LastRead::Path(path) => self.keys.entry(&path)?.read().await.map(drop),
        }
    }
}

/// Returns whether an operation with this error could neither reach Vault nor serve a stale value.
const fn is_outage(error: Option<ErrorKind>) -> bool {
    matches!(error, Some(ErrorKind::Unavailable | ErrorKind::Auth))
}

/// Sets a flag, without a write to a shared cache line if it is already set.
fn set(flag: &AtomicBool, value: bool) {
    if flag.load(Relaxed) != value {
        flag.store(value, Relaxed);
    }
}

/// Returns the error of a request of a check, if any. A timeout counts as `Unavailable`.
async fn error_within_timeout(
    request: impl Future<Output = Result<(), Error>>,
) -> Option<ErrorKind> {
    match timeout(CHECK_TIMEOUT, request).await {
        Ok(outcome) => outcome.err().map(|error| error.kind()),
        Err(_) => Some(ErrorKind::Unavailable),
    }
}
