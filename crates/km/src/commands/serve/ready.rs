//! Whether anything can be served.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use km_proxy_adapter::{Error, Kind};
use tokio::time::Instant;
use tracing::warn;

use super::app::App;
use super::metrics;

/// While nothing can be served, this is how often somebody who asks makes us look.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// What the last operations came to.
#[derive(Debug, Default)]
pub(super) struct Ready {
    logged_in: AtomicBool,
    /// The last operation found nobody to ask and nothing to serve.
    failing: AtomicBool,
    /// Something that was served, to be asked for again.
    served: Mutex<Option<Served>>,
    looked: tokio::sync::Mutex<Option<Instant>>,
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
    /// Takes in what an operation came to.
    pub(super) fn saw(&self, error: Option<Kind>) {
        let failing = matches!(error, Some(Kind::Unavailable | Kind::Auth));
        // Mostly it is as it was, and nothing is written.
        if self.failing.load(Relaxed) != failing {
            self.failing.store(failing, Relaxed);
        }
    }

    /// Notes what was read from Vault.
    pub(super) fn served(&self, what: impl FnOnce() -> Served) {
        *self.served.lock().unwrap_or_else(PoisonError::into_inner) = Some(what());
    }

    fn last(&self) -> Option<Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
            tokio::time::sleep(LOOKS_EVERY).await;
        }
        self.ready.logged_in.store(true, Relaxed);
        metrics::ready(true);
    }

    /// Whether there was a login, and something can be served.
    pub(super) async fn is_ready(&self) -> bool {
        let ready = self.ready.logged_in.load(Relaxed)
            && (!self.ready.failing.load(Relaxed) || self.look().await);
        metrics::ready(ready);
        ready
    }

    /// Asks again for what was served last, or whether the server is there.
    async fn look(&self) -> bool {
        let mut looked = self.ready.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < LOOKS_EVERY) {
            return !self.ready.failing.load(Relaxed);
        }
        *looked = Some(Instant::now());
        let outcome = match self.ready.last() {
            Some(Served::Name(name)) => self.keys.secret(&name).await.map(drop),
            Some(Served::Path(path)) => self.again(&path).await,
            None => self.keys.probe().await,
        };
        self.ready.saw(outcome.err().map(|error| error.kind()));
        !self.ready.failing.load(Relaxed)
    }

    async fn again(&self, path: &str) -> Result<(), Error> {
        self.keys.entry(path)?.read().await.map(drop)
    }
}
