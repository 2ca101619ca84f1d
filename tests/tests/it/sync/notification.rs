//! The notification of the reader: after which changes, and what a command or a signal reaches.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tempfile::TempDir;
use testkit::{Fixture, Server, secret};
use tokio::process::Command;
use tokio::time::Instant;

use super::{ended, started, sync, wait_for_file};
use crate::cli::common::contains_all;
use crate::product::until;

/// A secret, the directory of its file, and a directory for what the commands write.
struct Setup {
    fixture: Fixture,
    files: TempDir,
    other: TempDir,
}

impl Setup {
    async fn new(value: &str) -> Result<Self> {
        let fixture = Server::shared().await?.fixture().await?;
        fixture.put("ONE", json!({ "key": value })).await?;
        Ok(Self { fixture, files: tempfile::tempdir()?, other: tempfile::tempdir()? })
    }

    fn km(&self) -> testkit::Km {
        sync(&self.fixture, self.files.path(), &["ONE"])
    }

    async fn put(&self, value: &str) -> Result<()> {
        self.fixture.put("ONE", json!({ "key": value })).await.map(drop)
    }

    fn output(&self) -> PathBuf {
        self.other.path().join("output")
    }

    /// Returns the option of a command that appends the file's content to the output.
    fn copies(&self) -> String {
        let file = self.files.path().join("ONE");
        format!("--run=cat {} >> {}", file.display(), self.output().display())
    }
}

#[tokio::test]
async fn command_runs_after_a_change_but_not_after_the_first_files() -> Result<()> {
    let (first, second, third) = (secret("first"), secret("second"), secret("third"));
    let setup = Setup::new(&first).await?;
    let km = setup.km().args([setup.copies()]);
    let running = started(km, &setup.files, "ONE", &first).await?;
    setup.put(&second).await?;
    wait_for_file(&setup.output(), &second).await?;
    // The same bytes are no change.
    setup.put(&second).await?;
    setup.put(&third).await?;
    wait_for_file(&setup.output(), &format!("{second}{third}")).await?;
    ended(running).await.map(drop)
}

#[tokio::test]
async fn change_since_the_previous_run_is_notified() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let setup = Setup::new(&first).await?;
    let once = || setup.km().args(["--once", &setup.copies()]);
    once().run().await?.expect(0)?;
    once().run().await?.expect(0)?;
    assert!(!setup.output().exists(), "the command ran without a change");
    setup.put(&second).await?;
    once().run().await?.expect(0)?;
    assert_eq!(fs::read_to_string(setup.output())?, second);
    Ok(())
}

/// The process that was killed may not have notified the reader.
#[tokio::test]
async fn change_that_a_kill_interrupted_is_notified_at_the_next_start() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let setup = Setup::new(&first).await?;
    let mut running = started(setup.km(), &setup.files, "ONE", &first).await?;
    setup.put(&second).await?;
    wait_for_file(&setup.files.path().join("ONE"), &second).await?;
    // Within the second for which the replaced set remains.
    running.child().kill().await?;
    let output = setup.km().args(["--once", &setup.copies()]).run().await?.expect(0)?;
    assert_eq!(output.text()?, "");
    assert_eq!(fs::read_to_string(setup.output())?, second);
    Ok(())
}

#[tokio::test]
async fn command_has_no_credentials_and_its_output_goes_to_stderr() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let setup = Setup::new(&first).await?;
    setup.km().args(["--once"]).run().await?.expect(0)?;
    setup.put(&second).await?;
    let command = format!("--run=env > {}; echo said; cat", setup.output().display());
    let km = setup.km().env("VAULT_TOKEN", secret("token")).env("KEPT", "kept");
    let output = km.args(["--once", &command]).run().await?.expect(0)?;
    assert_eq!(output.text()?, "ONE\n");
    contains_all(&output.stderr, &["said"])?;
    let environment = fs::read_to_string(setup.output())?;
    contains_all(&environment, &["KEPT=kept"])?;
    for name in ["HCP_VAULT_", "VAULT_TOKEN", &setup.fixture.secret_id] {
        assert!(!environment.contains(name), "{name} in the environment of the command");
    }
    Ok(())
}

#[tokio::test]
async fn failed_command_is_the_exit_code_of_a_single_run_and_a_warning_of_a_service() -> Result<()>
{
    let (first, second, third) = (secret("first"), secret("second"), secret("third"));
    let setup = Setup::new(&first).await?;
    setup.km().args(["--once"]).run().await?.expect(0)?;
    setup.put(&second).await?;
    let output = setup.km().args(["--once", "--run=exit 9"]).run().await?.expect(9)?;
    contains_all(&output.stderr, &["km: run the command of --run: exit status: 9", "hint: "])?;
    let path = setup.files.path().join("ONE");
    assert_eq!(fs::read_to_string(&path)?, second);
    let command = format!("--run=echo ran >> {}; exit 9", setup.output().display());
    let running = started(setup.km().args([command]), &setup.files, "ONE", &second).await?;
    setup.put(&third).await?;
    wait_for_file(&path, &third).await?;
    wait_for_file(&setup.output(), "ran\n").await?;
    contains_all(&ended(running).await?, &["WARN", "exit status: 9"])
}

#[tokio::test]
async fn hanging_command_delays_neither_the_files_nor_the_end() -> Result<()> {
    let (first, second, third) = (secret("first"), secret("second"), secret("third"));
    let setup = Setup::new(&first).await?;
    let command = format!("--run=echo $$ >> {}; sleep 1000", setup.output().display());
    let running = started(setup.km().args([command]), &setup.files, "ONE", &first).await?;
    let path = setup.files.path().join("ONE");
    setup.put(&second).await?;
    until("the command", async || Ok(setup.output().exists())).await?;
    setup.put(&third).await?;
    wait_for_file(&path, &third).await?;
    let requested = Instant::now();
    ended(running).await?;
    ensure!(requested.elapsed() < Duration::from_secs(5), "{:?}", requested.elapsed());
    // One command at a time, and none is left.
    let processes = fs::read_to_string(setup.output())?;
    assert_eq!(processes.lines().count(), 1, "{processes}");
    assert!(!Path::new("/proc").join(processes.trim()).exists(), "the command is running");
    Ok(())
}

#[tokio::test]
async fn process_of_the_pid_file_receives_the_signal() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let setup = Setup::new(&first).await?;
    let pid_file = setup.other.path().join("pid");
    let script = "trap 'echo signalled > \"$1\"; exit' HUP; echo $$ > \"$0\";
        while kill -0 $PPID; do sleep 0.05; done";
    let mut reader = Command::new("/bin/sh")
        .args(["-c", script])
        .args([&pid_file, &setup.output()])
        .kill_on_drop(true)
        .spawn()?;
    until("the process", async || {
        Ok(fs::read_to_string(&pid_file).is_ok_and(|text| text.ends_with('\n')))
    })
    .await?;
    let signals = ["--signal=HUP", "--pid-file"];
    let km = setup.km().args(signals).args([&pid_file]);
    let running = started(km, &setup.files, "ONE", &first).await?;
    setup.put(&second).await?;
    wait_for_file(&setup.output(), "signalled\n").await?;
    reader.wait().await?;
    ended(running).await.map(drop)
}

#[tokio::test]
async fn pid_file_of_another_user_is_not_obeyed() -> Result<()> {
    let (first, second) = (secret("first"), secret("second"));
    let setup = Setup::new(&first).await?;
    setup.km().args(["--once"]).run().await?.expect(0)?;
    setup.put(&second).await?;
    let pid_file = setup.other.path().join("pid");
    let mut victim = Command::new("/bin/sleep").arg("1000").kill_on_drop(true).spawn()?;
    fs::write(&pid_file, victim.id().map(|id| id.to_string()).unwrap_or_default())?;
    fs::set_permissions(&pid_file, Permissions::from_mode(0o666))?;
    let km = setup.km().args(["--once", "--signal=KILL", "--pid-file"]).args([&pid_file]);
    contains_all(&km.run().await?.expect(2)?.stderr, &["another user", "hint: "])?;
    assert!(victim.try_wait()?.is_none(), "the process was killed");
    assert_eq!(fs::read_to_string(setup.files.path().join("ONE"))?, second);
    Ok(())
}
