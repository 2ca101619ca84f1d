//! How the program's end becomes ours.

use std::time::Duration;

use anyhow::Result;
use tests::Km;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::Instant;

use super::shell;

/// Nothing is resolved, so nobody is asked.
pub(super) fn runs(script: &str) -> Km {
    Km::new().env("HCP_VAULT_TOKEN", "t").args(["exec"]).args(shell(script))
}

#[tokio::test]
async fn its_exit_code_is_ours() -> Result<()> {
    for code in [0, 1, 3, 126, 255] {
        let output = runs(&format!("exit {code}")).run().await?.expect(code)?;
        assert_eq!(output.stderr, "");
    }
    Ok(())
}

#[tokio::test]
async fn a_death_by_signal_is_told_as_a_shell_does() -> Result<()> {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("INT", 2), ("USR1", 10), ("ABRT", 6)] {
        let mut running = runs(&format!("kill -s {name} $$; sleep 60")).start().await?;
        let ended = running.child().wait().await?;
        assert_eq!(ended.code(), Some(128 + number), "SIG{name}: exited, not killed itself");
    }
    Ok(())
}

#[tokio::test]
async fn its_input_and_output_are_ours() -> Result<()> {
    let output = runs("cat; echo to stderr >&2").stdin("a line\n").run().await?.expect(0)?;
    assert_eq!((output.text()?, output.stderr.as_str()), ("a line\n", "to stderr\n"));
    Ok(())
}

/// The five seconds after SIGTERM are not for a child.
#[tokio::test]
async fn it_is_waited_for_as_long_as_it_takes() -> Result<()> {
    let mut running = runs("trap '' TERM; echo ready; sleep 6; exit 9").start().await?;
    let stdout = running.child().stdout.take();
    let mut lines = BufReader::new(stdout.ok_or_else(|| anyhow::anyhow!("no stdout"))?).lines();
    assert_eq!(lines.next_line().await?.as_deref(), Some("ready"));
    let began = Instant::now();
    running.signal("TERM")?;
    running.finish().await?.expect(9)?;
    assert!(began.elapsed() > Duration::from_secs(5), "{:?}", began.elapsed());
    Ok(())
}
