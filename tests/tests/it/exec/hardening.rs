//! Other processes of the same user can read neither the environment nor the memory of `km`.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use testkit::{Km, copy_program, secret};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cli::listener::{Reply, Scripted};

/// Root may read everything, so that the test needs an ordinary user.
const AS_NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// Files that lead to secrets. Opening `mem` or attaching a debugger needs more permissions than
/// these.
const PRIVATE: [&str; 3] = ["environ", "maps", "fd/0"];

const TIMEOUT: Duration = Duration::from_secs(30);

/// Copies `km` to a directory where every user can run it.
async fn program() -> Result<(TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("km");
    copy_program(&Km::program().await?, &path)?;
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755))?;
    Ok((directory, path))
}

/// Returns a command that runs as an ordinary user, with no other environment than `PATH`.
fn as_nobody(command: &str) -> Command {
    let is_root = rustix::process::geteuid().is_root();
    let mut words = is_root.then_some(AS_NOBODY).into_iter().flatten().chain([command]);
    let mut process = Command::new(words.next().unwrap_or(command));
    process.args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    process
}

/// Returns the files of a process that another process of the same user can read.
async fn readable(process: u32) -> Result<Vec<&'static str>> {
    let mut readable = Vec::new();
    for file in PRIVATE {
        let path = format!("/proc/{process}/{file}");
        let opened =
            as_nobody("sh").args(["-c", "exec 3< \"$0\"", &path]).stderr(Stdio::null()).status();
        if opened.await?.success() {
            readable.push(file);
        }
    }
    Ok(readable)
}

/// Starts a command that sends a request to this server, and waits for the request.
async fn start_with_request(
    server: &Scripted,
    arguments: &[&str],
    debuggable: bool,
) -> Result<(TempDir, Child)> {
    let (directory, path) = program().await?;
    let path = path.to_str().context("not UTF-8")?;
    let mut command = as_nobody(path);
    command.args(arguments).env("HCP_VAULT_ADDR", server.address());
    command.env("HCP_VAULT_APPROLE_ROLE_ID", "a");
    command.env("HCP_VAULT_APPROLE_SECRET_ID", secret("secret-id"));
    command.env("KM_DEADLINE", "60s").stdin(Stdio::null()).stdout(Stdio::null());
    if debuggable {
        command.env("KM_DANGER_DEBUGGABLE", "true");
    }
    let child = command.kill_on_drop(true).spawn().context("starting setpriv")?;
    server.wait_for_request("").await?;
    Ok((directory, child))
}

#[tokio::test]
async fn process_of_the_same_user_can_read_neither_environment_nor_memory() -> Result<()> {
    for arguments in [
        &["read", "A"][..],
        &["list"],
        &["check"],
        &["exec", "--only=A", "--", "true"],
        &["exec", "--watch", "--only=A", "--", "true"],
        &["serve", "--listen=127.0.0.1:0", "--danger-no-token"],
    ] {
        for debuggable in [false, true] {
            let server = Scripted::new(|_| Reply::Hang)?;
            let (_directory, child) = start_with_request(&server, arguments, debuggable).await?;
            let process = child.id().context("the process has exited")?;
            let expected: &[&str] = if debuggable { &PRIVATE } else { &[] };
            assert_eq!(readable(process).await?, expected, "{arguments:?} {debuggable}");
            let limits = std::fs::read_to_string(format!("/proc/{process}/limits"))?;
            let core = limits.lines().find(|line| line.starts_with("Max core file size"));
            let soft = core.and_then(|line| line.split_whitespace().nth(4));
            ensure!(debuggable || soft == Some("0"), "{arguments:?}: {core:?}");
        }
    }
    Ok(())
}

/// The attack: a program reads the environment of its parent.
#[tokio::test]
async fn program_cannot_read_the_credentials_of_km() -> Result<()> {
    let (_directory, path) = program().await?;
    let path = path.to_str().context("not UTF-8")?;
    let script = "cat /proc/$PPID/environ";
    for (debuggable, expected) in [(None, false), (Some("true"), true)] {
        let mut command = as_nobody(path);
        command
            .args(["exec", "--watch", "--", "sh", "-c", script])
            .env("HCP_VAULT_TOKEN", "token-x");
        command.envs(debuggable.map(|value| ("KM_DANGER_DEBUGGABLE", value)));
        let output = timeout(TIMEOUT, command.output()).await??;
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(stdout.contains("HCP_VAULT_TOKEN=token-x"), expected, "{debuggable:?}");
    }
    Ok(())
}
