//! The exit code, output and resources of the program, as the caller of `km` observes them.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{Km, Server};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::Instant;

use super::shell;
use crate::cli::common::km_with_token;
use crate::login::accessors;

/// Returns `km exec` of a script. No name is resolved, so that no server is contacted.
pub(super) fn exec_script(script: &str) -> Km {
    Km::new().env("HCP_VAULT_TOKEN", "t").args(["exec"]).args(shell(script))
}

#[tokio::test]
async fn exit_code_of_the_program_is_passed_on() -> Result<()> {
    for code in [0, 1, 3, 126, 255] {
        let output = exec_script(&format!("exit {code}")).run().await?.expect(code)?;
        assert_eq!(output.stderr, "");
    }
    Ok(())
}

/// Without `--watch` the process dies by the signal. With it, `km` exits with 128 plus its number,
/// like a shell.
#[tokio::test]
async fn death_by_signal_is_passed_on_or_reported_as_128_plus_its_number() -> Result<()> {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("INT", 2), ("USR1", 10), ("ABRT", 6)] {
        for (watch, code, signal) in
            [(None, None, Some(number)), (Some("--watch"), Some(128 + number), None)]
        {
            let km = Km::new().env("HCP_VAULT_TOKEN", "t").args(["exec"]).args(watch);
            let script = format!("ulimit -c 0; kill -s {name} $$; sleep 60");
            let mut running = km.args(shell(&script)).start().await?;
            let ended = running.child().wait().await?;
            assert_eq!((ended.code(), ended.signal()), (code, signal), "SIG{name} {watch:?}");
        }
    }
    Ok(())
}

/// Nothing would revoke the token later. A token that was given is not `km`'s to revoke.
#[tokio::test]
async fn token_is_revoked_before_the_program_starts() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    fixture.km().args(["exec", "--only=ONE"]).args(shell("true")).run().await?.expect(0)?;
    assert_eq!(accessors(&fixture).await?.len(), 0, "the token was not revoked");
    fixture.km().args(["exec", "--only=NONE"]).args(shell("true")).run().await?.expect(6)?;
    assert_eq!(accessors(&fixture).await?.len(), 0, "the token was not revoked");

    let token = fixture.token(json!({})).await?;
    let km = km_with_token(fixture.server().address(), &fixture.mount, &token);
    km.args(["exec", "--only=ONE"]).args(shell("true")).run().await?.expect(0)?;
    assert_eq!(accessors(&fixture).await?.len(), 1, "the given token was revoked");
    Ok(())
}

/// `km` lowers its own limit of core files. The program must have the inherited limit.
#[tokio::test]
async fn core_limit_of_the_program_is_inherited() -> Result<()> {
    let inherited = std::process::Command::new("sh").args(["-c", "ulimit -c"]).output()?;
    for watch in [None, Some("--watch")] {
        let km = Km::new().env("HCP_VAULT_TOKEN", "t").args(["exec"]).args(watch);
        let output = km.args(shell("ulimit -c")).run().await?.expect(0)?;
        assert_eq!(output.stdout, inherited.stdout, "{watch:?}");
    }
    Ok(())
}

#[tokio::test]
async fn stdin_stdout_and_stderr_are_inherited() -> Result<()> {
    let output = exec_script("cat; echo to stderr >&2").stdin("a line\n").run().await?.expect(0)?;
    assert_eq!((output.text()?, output.stderr.as_str()), ("a line\n", "to stderr\n"));
    Ok(())
}

/// The five seconds of the grace period after SIGTERM do not apply to the child process.
#[tokio::test]
async fn slow_exit_after_sigterm_is_awaited() -> Result<()> {
    let mut running = exec_script("trap '' TERM; echo ready; sleep 6; exit 9").start().await?;
    let stdout = running.child().stdout.take();
    let mut lines = BufReader::new(stdout.ok_or_else(|| anyhow::anyhow!("no stdout"))?).lines();
    assert_eq!(lines.next_line().await?.as_deref(), Some("ready"));
    let started = Instant::now();
    running.signal("TERM")?;
    running.finish().await?.expect(9)?;
    assert!(started.elapsed() > Duration::from_secs(5), "{:?}", started.elapsed());
    Ok(())
}
