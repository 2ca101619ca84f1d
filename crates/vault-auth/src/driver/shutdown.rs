//! The end of a driver, on request or with its token source.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;
use vault_http::{Deadline, Error, ErrorKind};

use super::requests::Completion;
use super::task::Driver;
use crate::machine::{Action, Liveness, Moment};
use crate::status::Snapshot;

/// The timeout of all revocations together, including the wait for a login in flight.
const REVOCATION_TIMEOUT: Duration = Duration::from_secs(2);

impl Driver {
    /// Drops the driver, after it has revoked all tokens if `revoke`, and then signals `done`.
    pub(super) async fn shut_down(mut self, revoke: bool, done: oneshot::Sender<()>) {
        if revoke {
            self.revoke_all().await;
        }
        drop(self);
        // An error means that the caller no longer waits.
        let _ = done.send(());
    }

    /// Revokes all tokens that this source may revoke, including that of a login in flight.
    async fn revoke_all(&mut self) {
        let deadline = Deadline::after(REVOCATION_TIMEOUT);
        let mut tokens = self.machine.take_revocable_tokens(Instant::now());
        // The token of a login that takes longer is lost.
        let actions = deadline.bound(self.finish_login()).await.unwrap_or_default();
        tokens.extend(self.machine.take_revocable_tokens(Instant::now()));
        tokens.extend(actions.into_iter().filter_map(|action| match action {
            Action::Revoke(token) => Some(token),
            _ => None,
        }));
        let mut revoking = JoinSet::new();
        for token in tokens {
            let requests = Arc::clone(&self.requests);
            revoking.spawn(async move { requests.revoke(&token, deadline).await });
        }
        while revoking.join_next().await.is_some() {}
    }

    /// Waits for the login in flight, if any, and returns the actions that follow from it.
    async fn finish_login(&mut self) -> Vec<Action> {
        while self.machine.is_logging_in() {
            match self.tasks.join_next().await {
                Some(Ok(Completion::Login { event, .. })) => {
                    let at = Moment { now: Instant::now(), jitter: fastrand::f64() };
                    return self.machine.handle(event, at);
                }
                Some(_) => {}
                None => break,
            }
        }
        Vec::new()
    }
}

impl Drop for Driver {
    /// Removes the current token and fails all callers that wait for one.
    ///
    /// The message channel is closed first, and the denials are closed before the pending ones are
    /// resolved, so that none is opened that is never resolved.
    fn drop(&mut self) {
        self.messages.close();
        let error = shut_down_error();
        self.shared
            .close(|outcome| drop(outcome.send_replace(Some(Liveness::Unknown(error.clone())))));
        let snapshot = Snapshot::ended(self.machine.snapshot(), error);
        self.requests.reporter.snapshot(self.machine.state(), &snapshot, Instant::now());
        self.snapshots.send_replace(snapshot);
    }
}

/// Returns the error for callers of a token source that was shut down.
pub(crate) fn shut_down_error() -> Error {
    Error::new(ErrorKind::Interrupted, "log in")
        .with_detail("the token source was shut down")
        .mark_not_executed()
}
