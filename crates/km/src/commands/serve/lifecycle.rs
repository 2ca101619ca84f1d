//! The lifecycle of the sidecar: background tasks, signals, service manager, graceful shutdown.

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
use crate::service_manager::notify;
use crate::signals::{IgnoredSignals, TERMINATION, Termination, interrupted, not_caught};

/// How long requests in flight may take after a signal.
const GRACE_PERIOD: Duration = Duration::from_millis(4_500);

/// How long after a signal the token may be revoked. The process has to exit within 5 s.
const REVOKE_TIMEOUT: Duration = Duration::from_millis(4_800);

/// The interval at which histograms are compacted, so that they stay bounded without a scrape.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Serves all listeners until a signal requests the end, then finishes the requests in flight and
/// revokes the token.
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
    let starting = Arc::clone(app);
    background.spawn(async move {
        starting.readiness.first_login().await;
        starting.preload().await;
    });
    let shared = Arc::clone(app);
    background.spawn(async move { shared.readiness.publish().await });
    let recorder = app.recorder.clone();
    background.spawn(async move {
        loop {
            sleep(UPKEEP_INTERVAL).await;
            recorder.run_upkeep();
        }
    });
    notify(&NotifyState::Ready);
    signals.wait_for_end(app).await;
    notify(&NotifyState::Stopping);
    let requested = Instant::now();
    // This fails only if all servers have ended already.
    let _ = stop.send(());
    let finished = async {
        while serving.join_next().await.is_some() {}
        app.wait_for_changes().await;
    };
    if timeout_at(requested + GRACE_PERIOD, finished).await.is_err() {
        warn!("shutdown timed out: requests were still in flight");
    }
    if timeout_at(requested + REVOKE_TIMEOUT, app.keys.shutdown()).await.is_err() {
        warn!("shutdown timed out: the token was not revoked and remains valid until it expires");
    }
}

/// The signals of the sidecar: SIGHUP, and those that request the end.
pub(super) struct Signals {
    hangup: Signal,
    termination: Termination,
}

impl Signals {
    /// Catches the signals from now on.
    pub(super) fn catch() -> Result<Self, Failure> {
        let termination = Termination::catch(TERMINATION, IgnoredSignals::now())?;
        let hangup = signal(SignalKind::hangup()).map_err(|error| not_caught(&error))?;
        Ok(Self { hangup, termination })
    }

    /// Runs `startup` in its own task, which may block, unless a signal requests the end first.
    pub(super) async fn unless_interrupted<T: Send + 'static>(
        &mut self,
        startup: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let mut task = JoinSet::new();
        task.spawn(startup);
        tokio::select! {
            Some(Ok(outcome)) = task.join_next() => outcome,
            () = self.termination.requested() => Err(interrupted("start km serve again")),
            else => {
                let what = "internal: startup panicked";
                Err(Failure::new(ErrorKind::Internal, what, "report this bug"))
            }
        }
    }

    /// Waits until a signal requests the end. Until then, SIGHUP reloads the credentials.
    async fn wait_for_end(&mut self, app: &Arc<App>) {
        // Not awaited here, because a file system that hangs must not block the other signals.
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
        Ok(()) => info!("credentials reloaded"),
        Err(error) => warn!(%error, "cannot reload the token file: the current token stays in use"),
    }
}

#[cfg(test)]
mod tests {
    use signal_hook::consts::SIGTERM;
    use signal_hook::low_level::raise;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn signal_ends_a_startup_that_blocks_its_thread() {
        let mut signals = Signals::catch().unwrap();
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        raise(SIGTERM).unwrap();
        let outcome = signals.unless_interrupted(async move { Ok(blocked.recv()) }).await;
        assert_eq!(outcome.err().map(|failure| failure.kind()), Some(ErrorKind::Unavailable));
        drop(release);
    }
}
