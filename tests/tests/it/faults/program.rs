//! Faults as `km` reports them: exit code, kind, time and hint.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use testkit::{Km, Scripted, Step, leaks, scripted, secret};
use tokio::time::Instant;

use super::{DATA, NAME, beside, errors, stored, written};

/// Returns the program with a token, for the server at this address.
pub(crate) fn km(url: &str, token: &str) -> Km {
    Km::new()
        .env("HCP_VAULT_ADDR", url)
        .env("HCP_VAULT_MOUNT_NAME", "secret")
        .env("HCP_VAULT_TOKEN", token)
        .env("KM_ACCESS_MODE", "read_and_write")
        .env("KM_DEADLINE", "5s")
}

/// Retried until the deadline leaves no time.
const AGAIN: usize = usize::MAX;

struct Row {
    what: &'static str,
    steps: Vec<Step>,
    code: i32,
    kind: &'static str,
    hint: &'static str,
    requests: usize,
}

/// Runs `km read` with the fault.
async fn check(row: Row) -> Result<()> {
    let Row { what, steps, code, kind, hint, requests } = row;
    let server = Scripted::requests(beside(move |_| steps.clone())).start()?;
    let program = km(&server.url(), &secret("token")).env("KM_DEADLINE", "1s");
    let started = Instant::now();
    let output = program.args(["--json", "read", NAME]).run().await?.expect(code);
    let (output, took) = (output.with_context(|| what.to_owned())?, started.elapsed());
    let error: Value = serde_json::from_str(&output.stderr).context("stderr is no JSON")?;
    assert_eq!(error["error"]["kind"], kind, "{what}: {error}");
    let stderr = error["error"]["hint"].as_str().unwrap_or_default();
    assert!(stderr.contains(hint), "{what}: {error}");
    assert!(output.stdout.is_empty(), "{what}");
    let sent = server.record().count("GET", DATA);
    assert!(if requests == AGAIN { sent > 1 } else { sent == requests }, "{what}: {sent}");
    // The start of the program adds to the deadline.
    assert!(took < Duration::from_secs(3), "{what}: {took:?}");
    Ok(())
}

#[tokio::test]
async fn failed_read_has_a_message_and_a_hint() -> Result<()> {
    let _watch = leaks::watch();
    // Excludes the time to build the program.
    Km::new().args(["--help"]).run().await?.expect(0)?;
    let row = |what, steps: Vec<Step>, code, kind, hint, requests| Row {
        what,
        steps,
        code,
        kind,
        hint,
        requests,
    };
    let away = scripted::raw(307, "").header("Location", "http://127.0.0.2:1").sized();
    let page = scripted::raw(200, secret("page")).header("Content-Type", "text/html").sized();
    for row in [
        row("RST", vec![Step::Reset], 4, "unavailable", "", AGAIN),
        row("no answer", vec![Step::Hang], 4, "unavailable", "KM_DEADLINE", 1),
        row("sealed", errors(503, "Vault is sealed").into(), 4, "unavailable", "unseal", AGAIN),
        row("500", errors(500, "internal error").into(), 4, "unavailable", "", AGAIN),
        row("limited", errors(429, "quota").into(), 4, "unavailable", "rate limit", AGAIN),
        row("redirected", away.into(), 4, "unavailable", "HCP_VAULT_ADDR", 1),
        row("a page", page.into(), 4, "unavailable", "HCP_VAULT_ADDR", 1),
        row("cut", scripted::json(200, "{").into(), 4, "unavailable", "HCP_VAULT_ADDR", 1),
        row("absent", scripted::json(404, r#"{"errors":[]}"#).into(), 6, "not_found", "write", 1),
    ] {
        check(row).await?;
    }
    Ok(())
}

/// Runs `km write` over a version 1 with a lost response to the first write, after which `found` is
/// read. Returns the exit code, stderr, and the number of writes that the server received.
async fn write(arguments: &[&str], found: &[Step]) -> Result<(i32, String, usize)> {
    let (found, writes) = (found.to_vec(), std::sync::atomic::AtomicUsize::new(0));
    let server = Scripted::requests(beside(move |asked| match asked.method.as_str() {
        "GET" if writes.load(std::sync::atomic::Ordering::SeqCst) == 0 => stored(1, "old").into(),
        "GET" => found.clone(),
        _ if writes.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => vec![Step::Reset],
        _ => written(2).into(),
    }));
    let server = server.start()?;
    let program = km(&server.url(), &secret("token")).args(["write", NAME]).args(arguments);
    let output = program.stdin("the same").run().await?;
    assert!(!output.stderr.contains("the same"), "{}", output.stderr);
    Ok((output.code, output.stderr, server.record().count("POST", DATA)))
}

#[tokio::test]
async fn write_with_a_lost_response_is_settled_or_reported() -> Result<()> {
    let _watch = leaks::watch();
    let replace = &["--replace"];
    let (code, stderr, writes) = write(replace, &Vec::from(stored(2, "the same"))).await?;
    assert_eq!((code, writes), (7, 1), "{stderr}");
    assert!(
        stderr.contains("may have been executed") && stderr.contains("read the secret"),
        "{stderr}"
    );

    for (options, overtaken) in [
        (&["--replace", "--cas", "1"][..], "read the current version"),
        (&["--cas", "1"], "read the current version"),
        (&[], "another writer was faster"),
    ] {
        let (code, stderr, writes) = write(options, &Vec::from(stored(2, "the same"))).await?;
        assert_eq!((code, writes), (0, 1), "{options:?}: {stderr}");
        let (code, stderr, writes) = write(options, &Vec::from(stored(1, "old"))).await?;
        assert_eq!((code, writes), (0, 2), "{options:?}: {stderr}");
        let (code, stderr, writes) = write(options, &Vec::from(stored(2, "another"))).await?;
        assert_eq!((code, writes), (7, 1), "{options:?}: {stderr}");
        assert!(stderr.contains(overtaken), "{options:?}: {stderr}");
    }
    Ok(())
}

#[tokio::test]
async fn write_that_was_not_executed_is_unavailable() -> Result<()> {
    let _watch = leaks::watch();
    let sealed = |_: &_| errors(503, "Vault is sealed").into();
    let server = Scripted::requests(beside(sealed)).start()?;
    let program = km(&server.url(), &secret("token")).env("KM_DEADLINE", "1s");
    program.args(["write", NAME, "--replace"]).stdin("value").run().await?.expect(4)?;
    assert!(server.record().count("POST", DATA) > 1);
    let gone = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let program = km(&format!("http://{gone}"), &secret("token")).args(["write", NAME]);
    program.stdin("value").run().await?.expect(4).map(drop)
}
