//! Shutdown and reload by signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use testkit::{Server, secret};
use tokio::net::UnixDatagram;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::cli::common::km_against;
use crate::cli::listener::{Reply, Scripted, mount_of_version_2};
use crate::login::accessors;
use crate::serve::sidecar::Sidecar;

const EXIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Only a failing test reaches it.
const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn writes_in_flight_complete_during_shutdown() -> Result<()> {
    const WRITERS: usize = 16;
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Arc::new(Sidecar::of(&fixture).await?);
    let ending = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (sidecar, ending) = (Arc::clone(&sidecar), Arc::clone(&ending));
        let mount = fixture.mount.clone();
        writers.spawn(async move {
            let mut acknowledged = Vec::new();
            for iteration in 0.. {
                let (name, value) = (format!("w{writer}-{iteration}"), secret("value"));
                let path = format!("/v1/{mount}/data/{name}");
                let body = json!({ "data": { "key": value } });
                let was_ending = ending.load(Relaxed);
                match sidecar.call("POST", &path, body).await {
                    Ok(response) if response.status == 200 => acknowledged.push((name, value)),
                    // No new connection is accepted, or one is closed before its request.
                    other => {
                        assert!(ending.load(Relaxed), "failed before the shutdown: {other:?}");
                        break;
                    }
                }
                if was_ending {
                    break;
                }
            }
            acknowledged
        });
    }
    crate::product::until("a write", async || Ok(fixture.get("w0-3").await?.0 == 200)).await?;
    let started = Instant::now();
    ending.store(true, Relaxed);
    let handle = Arc::clone(&sidecar);
    handle.signal("TERM")?;
    drop(handle);
    let mut acknowledged = Vec::new();
    while let Some(ended) = writers.join_next().await {
        acknowledged.extend(ended?);
    }
    let sidecar = Arc::into_inner(sidecar).context("the sidecar is still shared")?;
    sidecar.finish().await?.expect(0)?;
    assert!(started.elapsed() < EXIT_TIMEOUT, "{:?}", started.elapsed());
    assert!(acknowledged.len() > WRITERS, "{} writes", acknowledged.len());
    for (name, value) in acknowledged {
        let (status, stored) = fixture.get(&name).await?;
        assert_eq!(status, 200, "{name} is lost");
        assert_eq!(stored["data"]["data"]["key"], json!(value), "{name}");
    }
    Ok(())
}

/// The response arrives after the signal. It is awaited and passed on.
#[tokio::test]
async fn response_after_the_signal_reaches_the_client() -> Result<()> {
    for name in ["TERM", "INT"] {
        let server = Scripted::with_token(|request| match request.split(' ').next() {
            Some("GET") => mount_of_version_2(),
            _ => Reply::Later(
                200,
                json!({ "data": { "version": 3, "created_time": "2026-01-01T00:00:00Z",
                    "deletion_time": "", "destroyed": false, "custom_metadata": null } }),
            ),
        })?;
        let km = km_against(&server.address()).env("KM_ACCESS_MODE", "read_and_write");
        let sidecar = Arc::new(Sidecar::start(km, &[]).await?);
        let (caller, mut calls) = (Arc::clone(&sidecar), JoinSet::new());
        calls.spawn(async move {
            let body = json!({ "data": { "key": "v" } });
            caller.call("POST", "/v1/secret/data/ONE", body).await
        });
        server.wait_for_request("POST /v1/secret/data/ONE").await?;
        sidecar.signal(name)?;
        // The listener is closed, and the process still runs.
        crate::product::until("a closed listener", async || {
            Ok(sidecar.get("/healthz").await.is_err())
        })
        .await?;
        server.release();
        let response = calls.join_next().await.context("no call")???.expect(200)?;
        assert_eq!(response.json()?["data"]["version"], 3);
        let sidecar = Arc::into_inner(sidecar).context("the sidecar is still shared")?;
        sidecar.finish().await?.expect(0)?;
    }
    Ok(())
}

/// A response that never arrives is not awaited for more than five seconds.
#[tokio::test]
async fn shutdown_with_a_hanging_request_takes_at_most_five_seconds() -> Result<()> {
    let server = Scripted::with_token(|_| Reply::Hang)?;
    let km = km_against(&server.address()).env("KM_DEADLINE", "60s");
    let sidecar = Arc::new(Sidecar::start(km, &[]).await?);
    let (caller, mut calls) = (Arc::clone(&sidecar), JoinSet::new());
    calls.spawn(async move { drop(caller.get("/km/v1/secrets/ONE").await) });
    server.wait_for_request("GET /v1/secret/data/ONE").await?;
    sidecar.signal("TERM")?;
    let started = Instant::now();
    calls.join_next().await;
    let sidecar = Arc::into_inner(sidecar).context("the sidecar is still shared")?;
    sidecar.finish().await?.expect(0)?;
    assert!(started.elapsed() < EXIT_TIMEOUT, "{:?}", started.elapsed());
    Ok(())
}

/// The token of its login must not outlive it.
#[tokio::test]
async fn vault_token_is_revoked_at_shutdown() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    assert_eq!(accessors(&fixture).await?.len(), 1);
    sidecar.stop().await?;
    assert_eq!(accessors(&fixture).await?.len(), 0);
    Ok(())
}

/// A server that hangs during the revocation must not delay the exit.
#[tokio::test]
async fn hanging_revocation_does_not_delay_the_exit() -> Result<()> {
    let server = Scripted::new(|request| match request {
        "POST /v1/auth/approle/login" => Reply::Json(
            200,
            json!({ "auth": { "client_token": "hvs-token", "lease_duration": 3600 } }),
        ),
        _ => Reply::Hang,
    })?;
    let km = testkit::Km::new()
        .env("HCP_VAULT_ADDR", server.address())
        .env("HCP_VAULT_APPROLE_ROLE_ID", "role")
        .env("HCP_VAULT_APPROLE_SECRET_ID", "id");
    let sidecar = Sidecar::start(km, &[]).await?;
    server.wait_for_request("POST /v1/auth/approle/login").await?;
    crate::product::until("ready", async || Ok(sidecar.get("/readyz").await?.status == 200))
        .await?;
    let started = Instant::now();
    sidecar.signal("TERM")?;
    server.wait_for_request("POST /v1/auth/token/revoke-self").await?;
    sidecar.finish().await?.expect(0)?;
    assert!(started.elapsed() < EXIT_TIMEOUT, "{:?}", started.elapsed());
    Ok(())
}

/// A client that disconnects must not interrupt a write.
#[tokio::test]
async fn write_completes_after_its_client_disconnects() -> Result<()> {
    let server = Scripted::with_token(|request| match request.split(' ').next() {
        Some("GET") => Reply::Later(
            200,
            json!({ "data": { "path": "secret/", "type": "kv", "options": { "version": "2" } } }),
        ),
        _ => Reply::Close,
    })?;
    let km = km_against(&server.address()).env("KM_ACCESS_MODE", "read_and_write");
    let sidecar = Arc::new(Sidecar::start(km, &[]).await?);
    let (caller, mut calls) = (Arc::clone(&sidecar), JoinSet::new());
    calls.spawn(async move {
        let body = json!({ "data": { "key": "v" } });
        caller.call("POST", "/v1/secret/data/ONE", body).await
    });
    server.wait_for_request("GET /v1/sys/internal/ui/mounts").await?;
    calls.shutdown().await;
    server.release();
    server.wait_for_request("POST /v1/secret/data/ONE").await
}

#[tokio::test]
async fn sighup_reloads_credentials() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let other = server.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("vault-token");
    // A token that may read only another mount.
    std::fs::write(&file, other.token(json!({})).await?)?;
    let km = crate::cli::common::km_with_token(server.address(), &fixture.mount, "unused");
    let km = km.env_remove("HCP_VAULT_TOKEN").env("KM_TOKEN_FILE", &file);
    let mut sidecar = Sidecar::start(km, &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(403)?;
    std::fs::write(&file, fixture.token(json!({})).await?)?;
    let local = secret("local");
    std::fs::write(sidecar.files.path().join("token"), &local)?;
    sidecar.running().signal("HUP")?;
    sidecar.token = Some(local);
    crate::product::until("the new token", async || {
        Ok(sidecar.get("/km/v1/secrets/ONE").await?.status == 200)
    })
    .await?;
    sidecar.stop().await.map(drop)
}

/// `READY=1` is sent once the sidecar listens, `STOPPING=1` when it shuts down.
#[tokio::test]
async fn service_manager_is_notified_of_start_and_shutdown() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path)?;
    let km = testkit::Km::new().env("HCP_VAULT_TOKEN", "t").env("NOTIFY_SOCKET", &path);
    let sidecar = Sidecar::start(km, &[]).await?;
    let mut message = [0; 64];
    let length = timeout(TIMEOUT, manager.recv(&mut message)).await??;
    assert_eq!(message.get(..length), Some(&b"READY=1\n"[..]));
    sidecar.stop().await?;
    let length = timeout(TIMEOUT, manager.recv(&mut message)).await??;
    assert_eq!(message.get(..length), Some(&b"STOPPING=1\n"[..]));
    Ok(())
}
