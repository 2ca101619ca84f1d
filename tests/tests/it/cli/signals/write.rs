//! SIGINT and SIGTERM during a change: it is completed or reported as ambiguous.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{Km, secret};
use tokio::time::{Instant, timeout};

use crate::cli::common::{NAME, contains_all, error_document, km_against};
use crate::cli::listener::{Reply, Scripted, mount_of_version_2};

const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

fn write(server: &Scripted) -> Km {
    let km = km_against(&server.address()).env("KM_ACCESS_MODE", "read_and_write");
    km.env("KM_DEADLINE", "60s").args(["write", NAME, "--replace"]).stdin(secret("value"))
}

/// Responds to the request for the mount type, and to the write with `reply`.
fn server(reply: fn() -> Reply) -> Result<Scripted> {
    Scripted::new(move |request| match request.split(' ').next() {
        Some("GET") => mount_of_version_2(),
        _ => reply(),
    })
}

async fn signal_without_response(name: &str) -> Result<()> {
    let server = server(|| Reply::Hang)?;
    for json in [false, true] {
        let km = if json { write(&server).args(["--json"]) } else { write(&server) };
        let before = server.requests().len();
        let running = km.start().await?;
        server.wait_for_request_after("POST /v1/secret/data/", before).await?;
        running.signal(name)?;
        let started = Instant::now();
        let output = running.finish().await?.expect(7)?;
        assert!(started.elapsed() < EXIT_TIMEOUT, "{:?}", started.elapsed());
        assert!(output.stdout.is_empty());
        if json {
            error_document(&output.stderr, "conflict")?;
        } else {
            contains_all(&output.stderr, &["km: ", "may have been executed", "hint: "])?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn write_without_a_response_is_ambiguous_after_sigterm() -> Result<()> {
    signal_without_response("TERM").await
}

#[tokio::test]
async fn write_without_a_response_is_ambiguous_after_sigint() -> Result<()> {
    signal_without_response("INT").await
}

/// The outcome of the write is unknown, and the user has decided not to wait for it.
#[tokio::test]
async fn second_signal_ends_a_write_at_once() -> Result<()> {
    for (first, second, code) in [("TERM", "TERM", 143), ("INT", "INT", 130), ("INT", "TERM", 143)]
    {
        let server = server(|| Reply::Hang)?;
        let mut running = write(&server).start().await?;
        server.wait_for_request("POST /v1/secret/data/").await?;
        running.signal(first)?;
        // After the first signal, the response is still awaited.
        let ended = timeout(Duration::from_millis(500), running.child().wait()).await;
        assert!(ended.is_err(), "{first}: {ended:?}");
        let started = Instant::now();
        running.signal(second)?;
        running.finish().await?.expect(code)?;
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn write_with_a_response_in_time_succeeds_after_a_signal() -> Result<()> {
    let done = || {
        let metadata = json!({ "version": 3, "created_time": "2026-01-01T00:00:00Z",
            "deletion_time": "", "destroyed": false, "custom_metadata": null });
        Reply::Later(200, json!({ "data": metadata }))
    };
    for name in ["INT", "TERM"] {
        let server = server(done)?;
        let running = write(&server).start().await?;
        server.wait_for_request("POST /v1/secret/data/").await?;
        running.signal(name)?;
        server.release();
        let output = running.finish().await?.expect(0)?;
        assert_eq!(output.text()?, format!("stored secret/data/{NAME} version 3\n"));
    }
    Ok(())
}

#[tokio::test]
async fn rejected_write_after_a_signal_is_exit_4() -> Result<()> {
    let server = server(|| Reply::Later(503, json!({ "errors": ["Vault is sealed"] })))?;
    // The write is retried until its deadline, which is earlier than the end of the grace period.
    let running = write(&server).env("KM_DEADLINE", "1s").start().await?;
    server.wait_for_request("POST /v1/secret/data/").await?;
    running.signal("TERM")?;
    server.release();
    running.finish().await?.expect(4).map(drop)
}

/// A change that was not sent was not executed, so that it is not reported as ambiguous.
async fn signal_before_the_change(command: &'static str) -> Result<()> {
    let server = Scripted::new(|_| Reply::Hang)?;
    let km = km_against(&server.address()).env("KM_ACCESS_MODE", "read_and_write");
    let km = km.env("KM_DEADLINE", "60s").args([command, NAME]).stdin("value");
    let running = km.start().await?;
    server.wait_for_request("GET /v1/").await?;
    running.signal("TERM")?;
    let started = Instant::now();
    let output = running.finish().await?.expect(4)?;
    assert!(started.elapsed() < EXIT_TIMEOUT, "{:?}", started.elapsed());
    assert!(!output.stderr.contains("may have been executed"), "{}", output.stderr);
    Ok(())
}

#[tokio::test]
async fn unsent_write_is_not_ambiguous_after_a_signal() -> Result<()> {
    signal_before_the_change("write").await
}

#[tokio::test]
async fn unsent_deletion_is_not_ambiguous_after_a_signal() -> Result<()> {
    signal_before_the_change("delete").await
}
