//! The command lines of Vault and OpenBao as clients of the Vault API, configured by address and
//! token alone.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Fixture, Server, client_programs, secret};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::serve::sidecar::Sidecar;

/// A command line with the address and the token of a sidecar.
struct Cli<'a> {
    program: &'a Path,
    sidecar: &'a Sidecar,
}

impl Cli<'_> {
    /// Returns the exit code, stdout and stderr.
    async fn run(&self, arguments: &[&str], input: &str) -> Result<(i32, String, String)> {
        let mut child = Command::new(self.program)
            .args(arguments)
            .env_clear()
            .env("VAULT_ADDR", format!("http://{}", self.sidecar.address))
            .env("VAULT_TOKEN", self.sidecar.token.as_deref().unwrap_or_default())
            .env("HOME", self.sidecar.files.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        let text = |bytes| String::from_utf8(bytes);
        let code = output.status.code().context("it was killed by a signal")?;
        Ok((code, text(output.stdout)?, text(output.stderr)?))
    }

    async fn succeeds(&self, arguments: &[&str]) -> Result<String> {
        let (code, stdout, stderr) = self.run(arguments, "").await?;
        let program = self.program.display();
        ensure!(code == 0, "{program} {}: {code}: {stderr}", arguments.join(" "));
        Ok(stdout)
    }
}

async fn use_every_operation(cli: &Cli<'_>, fixture: &Fixture, name: &str) -> Result<()> {
    let (mount, value) = (fixture.mount.as_str(), secret("value"));
    let path = format!("{mount}/{name}");
    let (code, _, stderr) = cli.run(&["kv", "put", &path, "key=-"], &value).await?;
    ensure!(code == 0, "kv put: {stderr}");
    assert_eq!(fixture.get(name).await?.1["data"]["data"], json!({ "key": value }));
    let read = cli.succeeds(&["kv", "get", "-field=key", &path]).await?;
    assert_eq!(read, value);
    let read = cli.succeeds(&["kv", "get", "-mount", mount, "-format=json", name]).await?;
    let read: Value = serde_json::from_str(&read)?;
    assert_eq!(read["data"]["data"]["key"], json!(value));
    cli.succeeds(&["kv", "put", "-cas=1", &path, "key=second"]).await?;
    let (code, _, stderr) = cli.run(&["kv", "put", "-cas=1", &path, "key=third"], "").await?;
    assert_ne!(code, 0);
    assert!(stderr.contains("check-and-set parameter did not match"), "{stderr}");
    let old = cli.succeeds(&["kv", "get", "-version=1", "-field=key", &path]).await?;
    assert_eq!(old, value);
    cli.succeeds(&["kv", "patch", &path, "other=added"]).await?;
    let (_, patched) = fixture.get(name).await?;
    assert_eq!(patched["data"]["data"], json!({ "key": "second", "other": "added" }));
    let metadata = cli.succeeds(&["kv", "metadata", "get", "-format=json", &path]).await?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    assert_eq!(metadata["data"]["current_version"], 3);
    cli.succeeds(&["kv", "metadata", "put", "-custom-metadata=owner=me", &path]).await?;
    cli.succeeds(&["kv", "delete", &path]).await?;
    assert_eq!(fixture.get(name).await?.0, 404);
    let (_, stdout, _) = cli.run(&["kv", "get", &path], "").await?;
    assert!(stdout.contains("deletion_time"), "{stdout}");
    cli.succeeds(&["kv", "metadata", "delete", &path]).await?;
    Ok(())
}

/// Runs a check with each command line in front of a mount of its own.
async fn with_each_cli(check: impl AsyncFn(&Cli<'_>, &Fixture) -> Result<()>) -> Result<()> {
    let programs: Vec<PathBuf> = client_programs().await?;
    for program in &programs {
        let fixture = Server::shared().await?.fixture().await?;
        let sidecar = Sidecar::of(&fixture).await?;
        let cli = Cli { program, sidecar: &sidecar };
        check(&cli, &fixture).await.with_context(|| program.display().to_string())?;
    }
    Ok(())
}

#[tokio::test]
async fn vault_cli_puts_gets_lists_and_deletes() -> Result<()> {
    with_each_cli(async |cli, fixture| {
        fixture.put("stays", json!({ "key": "v" })).await?;
        fixture.put("folder/inner", json!({ "key": "v" })).await?;
        use_every_operation(cli, fixture, "one").await?;
        use_every_operation(cli, fixture, "folder/litellm/alias").await?;
        let list = cli.succeeds(&["kv", "list", "-format=json", &fixture.mount]).await?;
        assert_eq!(serde_json::from_str::<Value>(&list)?, json!(["folder/", "stays"]));
        let folder = format!("{}/folder", fixture.mount);
        let list = cli.succeeds(&["kv", "list", "-format=json", &folder]).await?;
        assert_eq!(serde_json::from_str::<Value>(&list)?, json!(["inner"]));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn vault_cli_receives_errors_of_vault_outside_the_location() -> Result<()> {
    let other = Server::shared().await?.fixture().await?;
    let elsewhere = format!("{}/one", other.mount);
    with_each_cli(async |cli, fixture| {
        for arguments in [
            ["kv", "get", &elsewhere],
            ["kv", "delete", &elsewhere],
            ["secrets", "list", "-detailed"],
        ] {
            let (code, _, stderr) = cli.run(&arguments, "").await?;
            assert_eq!(code, 2, "{arguments:?}");
            assert!(stderr.contains("Code: 403"), "{arguments:?}: {stderr}");
            let is_refused = stderr.contains("permission denied") || stderr.contains("preflight");
            assert!(is_refused, "{stderr}");
        }
        let absent = format!("{}/absent", fixture.mount);
        let (code, _, stderr) = cli.run(&["kv", "get", &absent], "").await?;
        assert_eq!(code, 2);
        assert!(stderr.contains("No value found"), "{stderr}");
        cli.succeeds(&["token", "lookup"]).await.map(drop)
    })
    .await
}
