//! The end of a driver: by being told to, or with its token source.

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

/// Time for revoking tokens at the end.
const REVOCATION_TIMEOUT: Duration = Duration::from_secs(2);

impl Driver {
    /// Ends it, and tells so.
    pub(super) async fn shut_down(mut self, revoke: bool, done: oneshot::Sender<()>) {
        if revoke {
            self.revoke_all().await;
        }
        drop(self);
        // Who asked may have gone.
        let _ = done.send(());
    }

    /// Revokes what is ours, the token of a login that is under way included.
    async fn revoke_all(&mut self) {
        let deadline = Deadline::after(REVOCATION_TIMEOUT);
        let mut tokens = self.machine.take_revocable_tokens(Instant::now());
        // What has not landed by then is lost.
        let landed = deadline.bound(self.finish_login()).await.unwrap_or_default();
        tokens.extend(self.machine.take_revocable_tokens(Instant::now()));
        tokens.extend(landed.into_iter().filter_map(|action| match action {
            Action::Revoke(token) => Some(token),
            _ => None,
        }));
        let mut revoking = JoinSet::new();
        for token in tokens {
            let work = Arc::clone(&self.requests);
            revoking.spawn(async move { work.revoke(&token, deadline).await });
        }
        while revoking.join_next().await.is_some() {}
    }

    /// Waits for the login that is under way, if one is: what the life wants done after it.
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
    /// Leaves no token, and nobody who waits for one. What is sent from now on is not received, so
    /// the inbox and the denials are closed before the last ones are settled.
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

/// What a token source that was shut down says.
pub(crate) fn shut_down_error() -> Error {
    Error::new(ErrorKind::Interrupted, "log in")
        .with_detail("the token source was shut down")
        .mark_not_executed()
}
