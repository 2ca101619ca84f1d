//! The token source that callers hold. Reading the current token takes no lock, and everything else
//! is done by the [driver](crate::driver).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use vault_http::{Error, IssuedToken};

use crate::driver::{Driver, DriverHandle, Message, Outcome, shut_down_error};
use crate::method::Method;
use crate::shared::Shared;
use crate::shared::current::{CurrentToken, UseTaken};
use crate::status::{Snapshot, Status};

/// A token source that logs in when a token is first needed and keeps the token valid from then on.
///
/// The token is renewed, replaced before it expires, and replaced when the server rejects it. An
/// `Auth` is cheap to clone, and all clones share one token.
///
/// The background task runs on the Tokio runtime on which the source is first used. It ends, and
/// its requests are cancelled, when the last clone is dropped. [`Auth::shutdown`] can also revoke
/// the token.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    method: Arc<dyn Method>,
    driver: DriverHandle,
    /// The driver before it is started.
    idle: Mutex<Option<Driver>>,
    /// The started driver. It holds no reference to `Inner`, so that dropping this aborts it.
    running: Mutex<JoinSet<()>>,
}

/// What [`Auth::shutdown`] does with the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnShutdown {
    /// Leaves it valid until it expires.
    Keep,
    /// Revokes it if this source obtained it by a login. A [`StaticToken`](crate::StaticToken) is
    /// kept.
    Revoke,
}

impl Auth {
    pub(crate) fn from_parts(
        method: Arc<dyn Method>,
        driver: Driver,
        handle: DriverHandle,
    ) -> Self {
        let (idle, running) = (Mutex::new(Some(driver)), Mutex::default());
        Self(Arc::new(Inner { method, driver: handle, idle, running }))
    }

    /// Starts logging in in the background, so that the first request does not wait for the login.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub fn start(&self) {
        let driver = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(driver) = driver {
            let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.spawn(driver.run());
        }
    }

    /// Borrows the current token for `read`, or returns `None` if there is none.
    ///
    /// This neither allocates, writes to shared memory (unless the token's uses are counted) nor
    /// reads a clock: the driver removes the token when it expires. After the process was
    /// suspended, an expired token may be visible until the driver runs again.
    /// [`TokenSource::token`](vault_http::TokenSource::token) does check the clock.
    ///
    /// Call [`Auth::start`] first. This method does not start a login.
    pub fn with_current<R>(&self, read: impl FnOnce(&IssuedToken) -> R) -> Option<R> {
        let current = &self.0.driver.shared.current;
        current.with(|token| self.take_use(token).then(|| read(&token.issued)))?
    }

    /// Logs in again with the present credentials, for example after they were replaced.
    ///
    /// The current token stays in use until the new one is there. Does nothing if the source was
    /// not started.
    pub fn reload(&self) {
        self.notify_driver(Message::Reload);
    }

    /// Returns the current status.
    pub fn status(&self) -> Status {
        self.0.driver.snapshots.borrow().status(Instant::now())
    }

    /// Waits until there is a usable token.
    ///
    /// # Errors
    /// Returns the error of the login, which is the same for all callers that waited for it:
    /// [`ErrorKind::LoginRefused`](vault_http::ErrorKind::LoginRefused) if the credential is
    /// refused, [`ErrorKind::Interrupted`](vault_http::ErrorKind::Interrupted) after
    /// [`Auth::shutdown`]. Logins are retried in the background, so callers need not retry by
    /// themselves.
    pub async fn ready(&self) -> Result<(), Error> {
        self.wait_for(|token| self.is_usable(token).then_some(())).await
    }

    /// Stops the source. No request is sent afterwards, and callers that wait for a token receive
    /// an error.
    ///
    /// With [`OnShutdown::Revoke`], tokens are revoked first, which takes at most two seconds. A
    /// token that cannot be revoked stays valid until it expires.
    pub async fn shutdown(&self, token: OnShutdown) {
        // Dropping a driver that was not started shuts it down.
        drop(self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (done, is_done) = oneshot::channel();
        let revoke = token == OnShutdown::Revoke;
        if self.0.driver.messages.send(Message::ShutDown { revoke, done }).is_ok() {
            // An error means that the driver has ended without a response.
            let _ = is_done.await;
        }
    }

    /// Waits until `get` returns a value for the current token, or until waiting is known to fail.
    pub(crate) async fn wait_for<T>(
        &self,
        get: impl Fn(&CurrentToken) -> Option<T>,
    ) -> Result<T, Error> {
        let find = || self.0.driver.shared.current.with(&get).flatten();
        if let Some(found) = find() {
            return Ok(found);
        }
        self.start();
        let mut snapshots = self.snapshots();
        loop {
            // The snapshot is read before the token, so that no change between the two is missed.
            let failure = snapshots.borrow_and_update().error_for_waiters();
            if let Some(found) = find() {
                return Ok(found);
            }
            if let Some(error) = failure {
                return Err(error);
            }
            snapshots.changed().await.map_err(|_| shut_down_error())?;
        }
    }

    /// Returns a receiver of the status, whose current value may count as not seen.
    pub(crate) fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.0.driver.snapshots.clone()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<Outcome>> {
        &self.0.driver.shared
    }

    /// Takes one use of the token. Returns `false` if its uses are counted and none is left.
    pub(crate) fn take_use(&self, token: &CurrentToken) -> bool {
        let result = token.take_use();
        if result != UseTaken::Yes {
            let (generation, exhausted) = (token.issued.generation, result != UseTaken::Low);
            self.notify_driver(Message::UsesLow { generation, exhausted });
        }
        result != UseTaken::No
    }

    /// Returns whether the token may be sent now, and notifies the driver if retries have taken its
    /// last uses.
    pub(crate) fn is_usable(&self, token: &CurrentToken) -> bool {
        if !token.has_uses() {
            let generation = token.issued.generation;
            self.notify_driver(Message::UsesLow { generation, exhausted: true });
        }
        token.is_usable(Instant::now())
    }

    pub(crate) fn notify_driver(&self, message: Message) {
        // A driver that has ended needs no messages.
        let _: Result<(), mpsc::error::SendError<_>> = self.0.driver.messages.send(message);
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.driver.snapshots.borrow().state;
        f.debug_struct("Auth").field("method", &self.0.method).field("state", &state).finish()
    }
}
