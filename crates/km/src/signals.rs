//! Ctrl-C and SIGTERM, and what they do to a command.

use std::future::pending;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use km_proxy_adapter::{KeyManager, Kind};

use crate::failure::Failure;

/// How long a write that is under way may take after a signal; the process ends within 5 s.
const GRACE: Duration = Duration::from_secs(4);

/// The key manager of this process, for the question whether it is writing.
static KEYS: OnceLock<KeyManager> = OnceLock::new();

/// Notes the key manager that the command uses.
pub(crate) fn uses(keys: &KeyManager) {
    // A command connects once.
    let _ = KEYS.set(keys.clone());
}

/// What a command that lives by signals says when it can't have them.
pub(crate) fn not_caught(error: &io::Error) -> Failure {
    let what = format!("internal: signals can't be caught: {error}");
    Failure::new(Kind::Internal, what, "see the system's limits")
}

/// A signal ends what only reads; a write that is under way is finished, or told as ambiguous.
pub(crate) async fn until_signal(
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let mut command = std::pin::pin!(command);
    tokio::select! {
        outcome = &mut command => return outcome,
        () = asked_to_end() => {}
    }
    if !KEYS.get().is_some_and(KeyManager::has_sent_change) {
        let hint = "nothing was changed: run it again";
        return Err(Failure::new(Kind::Unavailable, "interrupted by a signal", hint));
    }
    tokio::time::timeout(GRACE, command).await.unwrap_or_else(|_| {
        let what = "interrupted by a signal: the write may have been executed";
        Err(Failure::new(Kind::Conflict, what, "read the secret to find out, then decide"))
    })
}

/// Returns when this process is asked to end.
async fn asked_to_end() {
    if let Err(error) = wait().await {
        tracing::warn!(%error, "signals can't be caught: they end the process at once");
        pending::<()>().await;
    }
}

#[cfg(unix)]
async fn wait() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn wait() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
