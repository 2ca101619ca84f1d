//! Ctrl-C and SIGTERM.

use std::future::pending;
use std::io;

/// Returns when this process is asked to end.
pub(crate) async fn asked_to_end() {
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
