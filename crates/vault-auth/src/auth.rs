//! The token source: readers take the token that is there; all else is its driver's.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use vault_http::{Denial, DenialOutcome, Error, IssuedToken, TokenSource};

use crate::driver::{Driver, DriverHandle, Message, Outcome, shut_down_error};
use crate::machine::Liveness;
use crate::method::Method;
use crate::shared::current::{CurrentToken, UseTaken};
use crate::shared::{JoinedDenial, Shared};
use crate::status::{Snapshot, Status};

/// A login that is made when a token is first needed, and kept good from then on: renewed, replaced
/// before it ends, made again when the token turns out to be dead. Cheap to clone; all clones share
/// the token.
///
/// It lives on the runtime on which it is first used. Dropping the last clone ends it, and what it
/// has under way; [`Auth::shutdown`] can revoke the token too.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    method: Arc<dyn Method>,
    driver: DriverHandle,
    /// The driver, until it is first needed.
    idle: Mutex<Option<Driver>>,
    /// The driver, from then on. It holds nothing of this, and ends with it.
    running: Mutex<JoinSet<()>>,
}

/// What becomes of the token when its source is shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnShutdown {
    /// It lives on to its end.
    Keep,
    /// It is revoked, unless somebody else made it.
    Revoke,
}

impl Auth {
    pub(crate) fn from_parts(method: Arc<dyn Method>, driver: Driver, reins: DriverHandle) -> Self {
        let (idle, running) = (Mutex::new(Some(driver)), Mutex::default());
        Self(Arc::new(Inner { method, driver: reins, idle, running }))
    }

    /// Logs in now, in the background, so that the first request need not wait.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as everything that starts a task.
    pub fn start(&self) {
        let driver = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(driver) = driver {
            let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.spawn(driver.run());
        }
    }

    /// Lends the token that is in use to `read`; `None` when there is none, and a login is due or
    /// under way. It costs no allocation, writes nothing that is shared, and looks at no clock: the
    /// driver takes the token away when it ends. A process that was stopped past that moment may
    /// see it until its driver runs again; [`TokenSource::token`] does look at the clock.
    ///
    /// It starts nothing: see [`Auth::start`].
    pub fn with_current<R>(&self, read: impl FnOnce(&IssuedToken) -> R) -> Option<R> {
        self.0
            .driver
            .shared
            .current
            .with(|entry| self.take_use(entry).then(|| read(&entry.issued)))?
    }

    /// Logs in anew, with the credentials as they are now: for who has replaced them and was told
    /// to say so. The token in use goes on being used until there is another. A source that was
    /// never asked for a token does nothing.
    pub fn reload(&self) {
        self.notify_driver(Message::Reload);
    }

    /// How the token is, now.
    pub fn status(&self) -> Status {
        self.0.driver.snapshots.borrow().status(Instant::now())
    }

    /// Waits until there is a token to use.
    ///
    /// # Errors
    /// The outcome of the login, shared by all who waited for it.
    pub async fn ready(&self) -> Result<(), Error> {
        self.wait_for(|entry| self.is_usable(entry).then_some(())).await
    }

    /// Ends this source: nothing is sent from then on, and whoever asks for a token is told so.
    /// With [`OnShutdown::Revoke`] the token is revoked first, within two seconds; a token that can't
    /// be revoked ends by itself.
    pub async fn shutdown(&self, token: OnShutdown) {
        // One that never ran ends as it is dropped.
        drop(self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (done, is_done) = oneshot::channel();
        let revoke = token == OnShutdown::Revoke;
        if self.0.driver.messages.send(Message::ShutDown { revoke, done }).is_ok() {
            // It is done when it answers, and when it is gone.
            let _ = is_done.await;
        }
    }

    /// What `get` finds in the current token, once it does. Waits only while there is hope.
    async fn wait_for<T>(&self, get: impl Fn(&CurrentToken) -> Option<T>) -> Result<T, Error> {
        let find = || self.0.driver.shared.current.with(&get).flatten();
        if let Some(found) = find() {
            return Ok(found);
        }
        self.start();
        let mut news: watch::Receiver<Snapshot> = self.0.driver.snapshots.clone();
        loop {
            // Read before looking, so that nothing is missed in between.
            let failure = news.borrow_and_update().error_for_waiters();
            if let Some(found) = find() {
                return Ok(found);
            }
            if let Some(error) = failure {
                return Err(error);
            }
            news.changed().await.map_err(|_| shut_down_error())?;
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<Outcome>> {
        &self.0.driver.shared
    }

    /// Takes a use of the token, where they are counted.
    pub(crate) fn take_use(&self, entry: &CurrentToken) -> bool {
        let taken = entry.take_use();
        if taken != UseTaken::Yes {
            let (generation, up) = (entry.issued.generation, taken != UseTaken::Low);
            self.notify_driver(Message::UsesLow { generation, exhausted: up });
        }
        taken != UseTaken::No
    }

    /// Returns whether the token may be sent now. Retries can take its last uses unnoticed, so that
    /// the driver is told when there are none left.
    fn is_usable(&self, entry: &CurrentToken) -> bool {
        if !entry.has_uses() {
            self.notify_driver(Message::UsesLow {
                generation: entry.issued.generation,
                exhausted: true,
            });
        }
        entry.is_usable(Instant::now())
    }

    /// A driver that is gone needs to be told nothing.
    fn notify_driver(&self, message: Message) {
        let _: Result<(), mpsc::error::SendError<_>> = self.0.driver.messages.send(message);
    }
}

#[async_trait]
impl TokenSource for Auth {
    async fn token(&self) -> Result<IssuedToken, Error> {
        let take = |entry: &CurrentToken| {
            let usable = self.is_usable(entry) && self.take_use(entry);
            usable.then(|| entry.issued.clone())
        };
        self.wait_for(take).await
    }

    async fn denied(&self, denial: Denial) -> Result<DenialOutcome, Error> {
        self.start();
        let shared = &self.0.driver.shared;
        // After its last use, a token gets a 403 of any wording.
        let used_up = shared
            .current
            .with(|entry| entry.issued.generation == denial.generation && !entry.has_uses());
        let token_invalid = denial.token_invalid || used_up == Some(true);
        let denial = Denial { token_invalid, ..denial };
        let open = || Arc::new(watch::channel(None).0);
        let mut pending = match shared.join_denial(denial.generation, open) {
            JoinedDenial::Replaced => return Ok(DenialOutcome::Replaced),
            JoinedDenial::Ended => return Err(shut_down_error()),
            JoinedDenial::Pending { outcome, first } => {
                let pending = outcome.subscribe();
                if first {
                    // A driver that ends settles all that is open.
                    self.notify_driver(Message::Denied(denial));
                }
                pending
            }
        };
        let seen = pending.wait_for(Option::is_some).await.map_err(|_| shut_down_error())?.clone();
        match seen {
            Some(Liveness::Alive) => Ok(DenialOutcome::PathDenied),
            Some(Liveness::Unknown(error)) => Err(error),
            Some(Liveness::Dead) | None => self.ready().await.map(|()| DenialOutcome::Replaced),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.driver.snapshots.borrow().state;
        f.debug_struct("Auth").field("method", &self.0.method).field("state", &state).finish()
    }
}
