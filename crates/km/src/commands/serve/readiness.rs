//! Readiness: whether there was a login, and whether something can be served.
//!
//! It follows what operations report. Something is asked for again only while they report that
//! nothing can be served, or while there are none: by one check at a time for all callers.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use km_proxy_adapter::{Error, ErrorKind};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::app::App;
use super::metrics;

/// How often readiness is published, and checked while nothing can be served.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// How often the server is asked while there are no operations.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// How long a request of a check may take. A server that needs longer is not healthy, and
/// orchestrators wait no longer for a probe.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// What the last operations reported.
#[derive(Debug, Default)]
pub(super) struct Ready {
    logged_in: AtomicBool,
    /// The last operation could neither ask Vault nor serve a stale value.
    failing: AtomicBool,
    /// An operation has succeeded since readiness was published last.
    succeeded: AtomicBool,
    /// The secret that was read from Vault last, to be read again by a check.
    served: Mutex<Option<Served>>,
    /// The lock is held during a check.
    checks: tokio::sync::Mutex<Checks>,
}

#[derive(Debug, Default)]
struct Checks {
    /// When the last check ended, and whether something could be served.
    last: Option<(Instant, bool)>,
    /// When an operation or a check has last shown that something can be served.
    evidence: Option<Instant>,
}

/// What was served last.
#[derive(Debug, Clone)]
pub(super) enum Served {
    /// A name, at the own door.
    Name(String),
    /// A path, at the Vault door.
    Path(String),
}

impl Ready {
    /// Records the outcome of an operation.
    pub(super) fn saw(&self, error: Option<ErrorKind>) {
        let failing = is_outage(error);
        set(&self.failing, failing);
        if !failing {
            set(&self.succeeded, true);
        }
    }

    /// Records what was read from Vault.
    pub(super) fn served(&self, what: impl FnOnce() -> Served) {
        *self.served.lock().unwrap_or_else(PoisonError::into_inner) = Some(what());
    }

    fn last(&self) -> Option<Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns whether an operation with this error could neither ask Vault nor serve a stale value.
const fn is_outage(error: Option<ErrorKind>) -> bool {
    matches!(error, Some(ErrorKind::Unavailable | ErrorKind::Auth))
}

/// Mostly the flag is set already, and nothing is written that other threads read.
fn set(flag: &AtomicBool, value: bool) {
    if flag.load(Relaxed) != value {
        flag.store(value, Relaxed);
    }
}

impl App {
    /// Logs in, however often that has to be tried.
    pub(super) async fn first_login(&self) {
        metrics::ready(false);
        let mut told = false;
        while let Err(error) = self.keys.login().await {
            if !told {
                warn!(error = error.message(), "not ready: no login yet");
                told = true;
            }
            sleep(CHECK_EVERY).await;
        }
        self.ready.saw(None);
        self.ready.logged_in.store(true, Relaxed);
        metrics::ready(true);
    }

    /// Publishes readiness as long as it is polled, whether anybody asks for it or not.
    pub(super) async fn publish_readiness(&self) {
        loop {
            // An operation that has succeeded is as good as a check.
            if self.ready.succeeded.swap(false, Relaxed) {
                self.ready.checks.lock().await.evidence = Some(Instant::now());
            }
            self.is_ready().await;
            sleep(CHECK_EVERY).await;
        }
    }

    /// Returns whether there was a login and something can be served.
    pub(super) async fn is_ready(&self) -> bool {
        let ready = self.ready.logged_in.load(Relaxed) && self.can_serve().await;
        metrics::ready(ready);
        ready
    }

    async fn can_serve(&self) -> bool {
        let is_failing = || self.ready.failing.load(Relaxed);
        if !is_failing() && self.ready.succeeded.load(Relaxed) {
            return true;
        }
        let mut checks = self.ready.checks.lock().await;
        // Another caller may have checked while this one waited for the lock.
        if !is_failing() && checks.evidence.is_some_and(|at| at.elapsed() < PROBE_EVERY) {
            return true;
        }
        if let Some((at, result)) = checks.last
            && at.elapsed() < CHECK_EVERY
        {
            return result;
        }
        let result = self.check(is_failing()).await;
        let now = Instant::now();
        checks.last = Some((now, result));
        if result {
            checks.evidence = Some(now);
        }
        result
    }

    /// Finds out whether something can be served, and records it.
    async fn check(&self, failing: bool) -> bool {
        let served = self.ready.last();
        let mut error = None;
        if !failing || served.is_none() {
            error = bounded(self.keys.probe()).await;
            self.ready.saw(error);
        }
        // Without the server, the cache may still serve.
        if let Some(served) = served.filter(|_| failing || is_outage(error)) {
            error = bounded(self.read_again(served)).await;
            self.ready.saw(error);
        }
        !is_outage(error)
    }

    async fn read_again(&self, served: Served) -> Result<(), Error> {
        match served {
            Served::Name(name) => self.keys.secret(&name).await.map(drop),
            Served::Path(path) => self.keys.entry(&path)?.read().await.map(drop),
        }
    }
}

/// Returns the error of a request of a check.
async fn bounded(request: impl Future<Output = Result<(), Error>>) -> Option<ErrorKind> {
    match timeout(CHECK_TIMEOUT, request).await {
        Ok(outcome) => outcome.err().map(|error| error.kind()),
        Err(_) => Some(ErrorKind::Unavailable),
    }
}
