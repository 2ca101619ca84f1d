//! A subscription to the status of a token source.

use tokio::sync::watch;
use tokio::time::Instant;
use vault_http::Generation;

use crate::auth::Auth;
use crate::status::{Snapshot, State, Status, TokenKind};

/// Changes of the status of an [`Auth`], from [`Auth::subscribe`].
///
/// It does not keep the source alive.
#[derive(Debug, Clone)]
pub struct StatusChanges {
    snapshots: watch::Receiver<Snapshot>,
    seen: Observed,
}

/// What is compared to find out whether the status has changed.
type Observed = (State, Option<TokenKind>, Generation, Option<Instant>);

impl Auth {
    /// Subscribes to changes of the status: of the state, the token and its expiry.
    ///
    /// ```
    /// # async fn example(auth: vault_auth::Auth) {
    /// let mut changes = auth.subscribe();
    /// while let Some(status) = changes.changed().await {
    ///     println!("{:?}, generation {}", status.state, status.generation.number());
    /// }
    /// # }
    /// ```
    ///
    /// This does not start a login; [`Auth::start`] does.
    pub fn subscribe(&self) -> StatusChanges {
        let mut snapshots = self.snapshots();
        let seen = observed(&snapshots.borrow_and_update());
        StatusChanges { snapshots, seen }
    }
}

impl StatusChanges {
    /// Returns the current status.
    pub fn status(&self) -> Status {
        self.snapshots.borrow().status(Instant::now())
    }

    /// Waits until the status differs from the last one that this returned, or else from that at
    /// the time of the subscription, and returns it. A renewal is a change of the expiry.
    ///
    /// If it changes several times at once, only the last one is returned. After
    /// [`State::Ended`], which is the last state, this returns `None`.
    ///
    /// The future may be dropped at any point without losing a change.
    pub async fn changed(&mut self) -> Option<Status> {
        loop {
            self.snapshots.changed().await.ok()?;
            let snapshot = self.snapshots.borrow_and_update();
            let now = observed(&snapshot);
            if now != self.seen {
                self.seen = now;
                return Some(snapshot.status(Instant::now()));
            }
        }
    }
}

fn observed(snapshot: &Snapshot) -> Observed {
    (snapshot.state, snapshot.kind, snapshot.generation, snapshot.usable_until)
}
