//! The stop of the program for a restart: by which signal, for how long, and what may change
//! meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};
use tokio::time::Instant;

use super::program::{Watched, exec_watch};
use crate::cli::common::{contains_all, km_against};
use crate::cli::listener::{Reply, Scripted};
use crate::product::until;

#[tokio::test]
async fn change_while_the_program_is_ending_causes_no_second_restart() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let put = async |name: &str, value: &str| fixture.put(name, json!({ "key": value })).await;
    put("ONE", "first").await?;
    put("TWO", "first").await?;
    let script = "trap 'echo ending; sleep 2; exit 0' TERM; echo \"$ONE $TWO\"";
    let mut program = Watched::start(exec_watch(&fixture, &["ONE", "TWO"]), script).await?;
    assert_eq!(program.line().await?, "first first");
    put("ONE", "second").await?;
    assert_eq!(program.line().await?, "ending");
    put("TWO", "second").await?;
    assert_eq!(program.line().await?, "second second");
    contains_all(&program.wait_for_log("count=1").await?, &["names=\"ONE, TWO\""])?;
    put("TWO", "third").await?;
    assert_eq!(program.line().await?, "ending");
    assert_eq!(program.line().await?, "second third");
    contains_all(&program.wait_for_log("count=2").await?, &["names=\"TWO\""])?;
    program.signal("TERM")?;
    assert_eq!(program.line().await?, "ending");
    program.wait_for_exit(0).await.map(drop)
}

#[tokio::test]
async fn kill_signal_requests_the_end() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let km = exec_watch(&fixture, &["ONE"]).args(["--kill-signal=sigusr2", "--splay=100ms"]);
    let script = "trap 'echo requested; exit 0' USR2; trap 'exit 9' TERM; echo \"$ONE\"";
    let mut program = Watched::start(km, script).await?;
    assert_eq!(program.line().await?, first);
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(program.line().await?, "requested");
    assert_eq!(program.line().await?, second);
    // The end of `km` itself is still requested by the signals that it forwards.
    program.signal("TERM")?;
    program.wait_for_exit(9).await.map(drop)
}

#[tokio::test]
async fn program_is_killed_after_the_kill_timeout() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let km = exec_watch(&fixture, &["ONE"]).args(["--kill-timeout=1s", "--kill-signal=INT"]);
    let script = "trap 'echo signalled' INT; trap 'exit 7' USR2; echo \"$ONE\"";
    let mut program = Watched::start(km, script).await?;
    assert_eq!(program.line().await?, first);
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(program.line().await?, "signalled");
    let signalled = Instant::now();
    assert_eq!(program.line().await?, second);
    let elapsed = signalled.elapsed();
    assert!(
        elapsed > Duration::from_millis(900) && elapsed < Duration::from_secs(9),
        "{elapsed:?}"
    );
    program.wait_for_log("still running 1s after SIGINT").await?;
    program.signal("USR2")?;
    program.wait_for_exit(7).await.map(drop)
}

/// A server whose value changes once. It stops responding when the program is ending.
struct Unresponsive {
    server: Scripted,
    phase: Arc<AtomicUsize>,
}

const SCRIPT: &str = "trap 'echo $$; sleep 1; exit 3' TERM; echo \"$ONE\"";

impl Unresponsive {
    fn new() -> Result<Self> {
        let phase = Arc::new(AtomicUsize::new(1));
        let now = Arc::clone(&phase);
        let server = Scripted::with_token(move |request| match (request, now.load(Relaxed)) {
            ("GET /v1/secret/data/ONE", version @ 1..=2) => {
                let metadata = json!({ "version": version, "created_time": "2026-01-01T00:00:00Z",
                    "deletion_time": "", "destroyed": false, "custom_metadata": null });
                let data = json!({ "data": { "key": version.to_string() }, "metadata": metadata });
                Reply::Json(200, json!({ "data": data }))
            }
            _ => Reply::Hang,
        })?;
        Ok(Self { server, phase })
    }

    /// Starts a program and lets its value change. Returns it when it has ended, and before the
    /// values were read again.
    async fn program_that_has_ended(&self) -> Result<Watched> {
        let km = km_against(&self.server.address()).env("HCP_VAULT_REFRESH_INTERVAL", "1");
        let km = km.args(["exec", "--watch", "--only=ONE"]);
        let mut program = Watched::start(km, SCRIPT).await?;
        assert_eq!(program.line().await?, "1");
        self.phase.store(2, Relaxed);
        let process = format!("/proc/{}", program.line().await?);
        self.phase.store(3, Relaxed);
        until("the end", async || Ok(!Path::new(&process).exists())).await?;
        Ok(program)
    }
}

#[tokio::test]
async fn unavailable_server_does_not_prevent_a_restart_with_the_values_at_hand() -> Result<()> {
    let server = Unresponsive::new()?;
    let mut program = server.program_that_has_ended().await?;
    assert_eq!(program.line().await?, "2");
    program.wait_for_log("cannot update the values").await?;
    program.wait_for_log("count=1").await?;
    program.signal("KILL")
}

#[tokio::test]
async fn signal_between_the_end_and_the_next_start_cancels_the_restart() -> Result<()> {
    let server = Unresponsive::new()?;
    let program = server.program_that_has_ended().await?;
    program.signal("TERM")?;
    program.wait_for_exit(3).await.map(drop)
}
