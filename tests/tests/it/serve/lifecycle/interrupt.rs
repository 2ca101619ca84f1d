//! Signals during start and shutdown.

use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::cli::common::{contains_all, km_against};
use crate::cli::listener::{Reply, Scripted, Silent};
use crate::serve::sidecar::Sidecar;

/// Well below every time limit of the sidecar.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn second_signal_ends_the_grace_period_at_once() -> Result<()> {
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let server = Scripted::with_token(|_| Reply::Hang)?;
        let km = km_against(&server.address()).env("KM_DEADLINE", "60s");
        let sidecar = Arc::new(Sidecar::start(km, &[]).await?);
        let (caller, mut calls) = (Arc::clone(&sidecar), JoinSet::new());
        calls.spawn(async move { drop(caller.get("/km/v1/secrets/ONE").await) });
        server.wait_for_request("GET /v1/secret/data/ONE").await?;
        sidecar.signal(name)?;
        // After the first signal, the request is still awaited.
        assert!(timeout(Duration::from_millis(500), calls.join_next()).await.is_err(), "{name}");
        let started = Instant::now();
        sidecar.signal(name)?;
        calls.join_next().await;
        let sidecar = Arc::into_inner(sidecar).context("the sidecar is still shared")?;
        sidecar.finish().await?.expect(code)?;
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    }
    Ok(())
}

/// Connecting to a socket whose backlog is full would block.
#[tokio::test]
async fn socket_with_a_full_backlog_is_reported_at_once() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("km.sock");
    let listener = UnixListener::bind(&path)?;
    rustix::net::listen(&listener, 0)?;
    let _queued = UnixStream::connect(&path)?;
    let silent = Silent::new()?;
    let km = km_against(&silent.address()).args(["serve".to_owned(), "--listen".to_owned()]);
    let running = km.args([format!("unix:{}", path.display())]).start().await?;
    let output = timeout(5 * AT_ONCE, running.finish()).await??.expect(2)?;
    contains_all(&output.stderr, &["km: listen on unix:", "another process is listening on it"])
}
