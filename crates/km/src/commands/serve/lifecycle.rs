//! From the first login to the last answer: signals, the service manager, and the end.

use std::sync::Arc;
use std::time::Duration;

use km_proxy_adapter::ErrorKind;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use super::app::App;
use super::server::Server;
use crate::error::Failure;
use crate::signals::{IgnoredSignals, TERMINATION, Termination, interrupted, not_caught};

/// How long what is under way may take after a signal.
const GRACE: Duration = Duration::from_millis(4_500);

/// When the token is given up that is not revoked by then; the process ends within 5 s.
const ENDS_WITHIN: Duration = Duration::from_millis(4_800);

/// How often what was measured is put together, whether anybody asks for it or not.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Serves all listeners until a signal, then finishes what is under way.
pub(super) async fn run(
    app: &Arc<App>,
    servers: Vec<Server>,
    stop: watch::Sender<()>,
    stopped: &watch::Receiver<()>,
    mut signals: Signals,
) {
    let (mut serving, mut background) = (JoinSet::new(), JoinSet::new());
    for server in servers {
        serving.spawn(server.serve(stopped.clone()));
    }
    let begins = Arc::clone(app);
    background.spawn(async move {
        begins.first_login().await;
        begins.read_ahead().await;
    });
    let published = Arc::clone(app);
    background.spawn(async move { published.publish_readiness().await });
    let recorder = app.recorder.clone();
    background.spawn(async move {
        loop {
            sleep(UPKEEP_EVERY).await;
            recorder.run_upkeep();
        }
    });
    notify(&NotifyState::Ready);
    signals.end(app).await;
    notify(&NotifyState::Stopping);
    let asked = Instant::now();
    // The servers hold the other end, or have ended.
    let _ = stop.send(());
    let finished = async {
        while serving.join_next().await.is_some() {}
        app.changes_end().await;
    };
    if timeout_at(asked + GRACE, finished).await.is_err() {
        warn!("ended with requests under way");
    }
    if timeout_at(asked + ENDS_WITHIN, app.keys.shutdown()).await.is_err() {
        warn!("ended before Vault has revoked the token: it lives on to its end");
    }
}

/// Tells the service manager, where there is one.
fn notify(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        warn!(%error, "the service manager can't be told");
    }
}

/// The signals of a service. The second one that asks for the end ends it at once.
pub(super) struct Signals {
    hangup: Signal,
    termination: Termination,
}

impl Signals {
    /// Catches them from now on.
    pub(super) fn catch() -> Result<Self, Failure> {
        let termination = Termination::catch(TERMINATION, IgnoredSignals::now())?;
        let hangup = signal(SignalKind::hangup()).map_err(|error| not_caught(&error))?;
        Ok(Self { hangup, termination })
    }

    /// Runs the start-up on a thread of its own, where it may block, unless a signal asks for the
    /// end before.
    pub(super) async fn unless_interrupted<T: Send + 'static>(
        &mut self,
        start_up: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let mut task = JoinSet::new();
        task.spawn(start_up);
        tokio::select! {
            Some(Ok(outcome)) = task.join_next() => outcome,
            () = self.termination.requested() => Err(interrupted("start it again")),
            else => Err(Failure::new(ErrorKind::Internal, "internal: the start-up panicked", "report this")),
        }
    }

    /// Returns when this process is asked to end. Until then, SIGHUP reads credentials again.
    async fn end(&mut self, app: &Arc<App>) {
        // Not awaited here, because a file system that hangs must not hold up the other signals.
        let mut reloads = JoinSet::new();
        loop {
            tokio::select! {
                () = self.termination.requested() => return,
                _ = self.hangup.recv() => {
                    reloads.spawn(reload(Arc::clone(app)));
                }
            }
            while reloads.try_join_next().is_some() {}
        }
    }
}

async fn reload(app: Arc<App>) {
    app.keys.reload_credentials();
    match app.token.reload().await {
        Ok(()) => info!("credentials were read again"),
        Err(error) => warn!(%error, "cannot use the token file: the last token stays in use"),
    }
}

#[cfg(test)]
mod tests {
    use signal_hook::consts::SIGTERM;
    use signal_hook::low_level::raise;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn signal_ends_a_start_up_that_blocks_its_thread() {
        let mut signals = Signals::catch().unwrap();
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        raise(SIGTERM).unwrap();
        let outcome = signals.unless_interrupted(async move { Ok(blocked.recv()) }).await;
        assert_eq!(outcome.err().map(|failure| failure.kind()), Some(ErrorKind::Unavailable));
        drop(release);
    }
}
