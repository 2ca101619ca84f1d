//! The exit of a watched program, caused by itself, by a signal or by `km`.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, Server, secret};
use tokio::time::Instant;

use super::program::{Watched, exec_watch, wait_for_reread};
use crate::cli::common::{contains_all, km_against};
use crate::cli::listener::{Reply, Scripted, Silent};
use crate::exec::{fails_before_start, shell};
use crate::relay::Relay;

async fn fixture(value: &str) -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": value })).await?;
    Ok(fixture)
}

#[tokio::test]
async fn exit_of_the_watched_program_is_passed_on() -> Result<()> {
    let fixture = fixture(&secret("value")).await?;
    for (ending, code) in [("exit 0", 0), ("exit 5", 5), ("kill -s KILL $$", 137)] {
        let script = format!("trap '{ending}' USR1; echo ready");
        let mut program = Watched::start(exec_watch(&fixture, &["ONE"]), &script).await?;
        assert_eq!(program.line().await?, "ready");
        program.signal("USR1")?;
        assert_eq!(program.wait_for_exit(code).await?, "", "{ending}");
    }
    Ok(())
}

#[tokio::test]
async fn program_that_exits_after_a_signal_is_not_restarted() -> Result<()> {
    for name in ["TERM", "INT"] {
        let (first, second) = (secret("first"), secret("second"));
        let fixture = fixture(&first).await?;
        let relay = Relay::to(fixture.server().address(), "").await?;
        let km = exec_watch(&fixture, &["ONE"]).env("HCP_VAULT_ADDR", relay.address());
        let script = format!("trap 'echo signalled' {name}; trap 'exit 9' USR2; echo \"$ONE\"");
        let mut program = Watched::start(km, &script).await?;
        assert_eq!(program.line().await?, first);
        program.signal(name)?;
        assert_eq!(program.line().await?, "signalled");
        // The program takes its time to exit, and meanwhile a value changes.
        fixture.put("ONE", json!({ "key": second })).await?;
        wait_for_reread(&relay).await?;
        program.signal("USR2")?;
        assert_eq!(program.wait_for_exit(9).await?, "", "SIG{name}");
    }
    Ok(())
}

#[tokio::test]
async fn signal_during_a_restart_cancels_the_restart() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let fixture = fixture(&first).await?;
    let script =
        "trap 'echo signalled' TERM; trap 'echo one' USR1; trap 'exit 9' USR2; echo \"$ONE\"";
    let mut program = Watched::start(exec_watch(&fixture, &["ONE"]), script).await?;
    assert_eq!(program.line().await?, first);
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(program.line().await?, "signalled");
    program.signal("USR1")?;
    assert_eq!(program.line().await?, "one", "the signal was not forwarded during the restart");
    program.signal("TERM")?;
    assert_eq!(program.line().await?, "signalled");
    program.signal("USR2")?;
    assert_eq!(program.wait_for_exit(9).await?, "");
    Ok(())
}

#[tokio::test]
async fn program_that_ignores_sigterm_is_killed_and_restarted() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let fixture = fixture(&first).await?;
    let script = "trap 'echo signalled' TERM; trap 'exit 7' USR2; echo \"$ONE\"";
    let mut program = Watched::start(exec_watch(&fixture, &["ONE"]), script).await?;
    assert_eq!(program.line().await?, first);
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(program.line().await?, "signalled");
    let signalled = Instant::now();
    assert_eq!(program.line().await?, second);
    assert!(signalled.elapsed() > Duration::from_millis(9_500), "{:?}", signalled.elapsed());
    program.wait_for_log("killing").await?;
    program.signal("USR2")?;
    program.wait_for_exit(7).await.map(drop)
}

#[tokio::test]
async fn failed_restart_is_exit_127() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let fixture = fixture(&first).await?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("program");
    std::os::unix::fs::symlink("/bin/sh", &path)?;
    let script = "echo \"$ONE\"; while kill -0 $PPID; do sleep 0.05; done";
    let program = ["--".as_ref(), path.as_os_str(), "-c".as_ref(), script.as_ref()];
    let mut program = Watched::start_program(exec_watch(&fixture, &["ONE"]).args(program)).await?;
    assert_eq!(program.line().await?, first);
    std::fs::remove_file(&path)?;
    fixture.put("ONE", json!({ "key": second })).await?;
    contains_all(&program.wait_for_exit(127).await?, &["km: start ", "hint: "])
}

/// The program was not started yet, so that there is nothing to keep running.
#[tokio::test]
async fn signal_before_the_watched_program_starts_prevents_the_start() -> Result<()> {
    let server = Scripted::with_token(|_| Reply::Hang)?;
    let km = km_against(&server.address()).env("KM_DEADLINE", "60s");
    let km = km.args(["exec", "--watch", "--only=ONE"]).args(shell("echo started"));
    let running = km.start().await?;
    server.wait_for_request("GET /v1/secret/").await?;
    let signalled = Instant::now();
    running.signal("TERM")?;
    let output = running.finish().await?.expect(4)?;
    assert!(output.stdout.is_empty());
    assert!(signalled.elapsed() < Duration::from_secs(5), "{:?}", signalled.elapsed());
    Ok(())
}

#[tokio::test]
async fn contradictory_watch_options_are_rejected() -> Result<()> {
    let silent = Silent::new()?;
    for (options, interval, kind, parts) in [
        (&["--on-change=restart"][..], "1", "usage", &["--watch"][..]),
        (&["--on-change=SIGHUP"], "1", "usage", &["--watch"]),
        (&["--watch", "--on-change=SIGKILL"], "1", "usage", &["--on-change"]),
        (&["--watch", "--on-change="], "1", "usage", &["--on-change"]),
        (&["--kill-signal=SIGINT"], "1", "usage", &["--watch"]),
        (&["--kill-timeout=5s"], "1", "usage", &["--watch"]),
        (&["--splay=5s"], "1", "usage", &["--watch"]),
        (&["--watch", "--kill-signal=SIGSTOP"], "1", "usage", &["--kill-signal", "ends by"]),
        (&["--watch", "--kill-signal=15"], "1", "usage", &["--kill-signal", "SIGTERM"]),
        (&["--watch", "--kill-timeout=soon"], "1", "usage", &["--kill-timeout", "500ms"]),
        (&["--watch", "--splay=-1s"], "1", "usage", &["--splay", "500ms"]),
        (&["--watch"], "0", "settings", &["--watch", "HCP_VAULT_REFRESH_INTERVAL"]),
    ] {
        let km = || {
            let km = km_against(&silent.address()).env("HCP_VAULT_REFRESH_INTERVAL", interval);
            km.args(["exec", "--only=ONE"]).args(options)
        };
        contains_all(&fails_before_start(km, &shell("true"), 2, kind).await?, parts)?;
    }
    assert_eq!(silent.connections()?, 0, "a request was sent");
    Ok(())
}
