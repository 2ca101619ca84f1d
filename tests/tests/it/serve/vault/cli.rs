//! The Vault command line as a client of the Vault API, configured by address and token alone.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Fixture, Server, secret, server_program};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::serve::sidecar::Sidecar;

/// Runs `vault`. Returns the exit code, stdout and stderr.
async fn vault(
    sidecar: &Sidecar,
    arguments: &[&str],
    input: &str,
) -> Result<(i32, String, String)> {
    let mut child = Command::new(server_program().await?)
        .args(arguments)
        .env_clear()
        .env("VAULT_ADDR", format!("http://{}", sidecar.address))
        .env("VAULT_TOKEN", sidecar.token.as_deref().unwrap_or_default())
        .env("HOME", sidecar.files.path())
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
    let code = output.status.code().context("vault was killed by a signal")?;
    Ok((code, text(output.stdout)?, text(output.stderr)?))
}

async fn succeeds(sidecar: &Sidecar, arguments: &[&str]) -> Result<String> {
    let (code, stdout, stderr) = vault(sidecar, arguments, "").await?;
    ensure!(code == 0, "vault {}: {code}: {stderr}", arguments.join(" "));
    Ok(stdout)
}

async fn use_every_operation(fixture: &Fixture, sidecar: &Sidecar, name: &str) -> Result<()> {
    let (mount, value) = (fixture.mount.as_str(), secret("value"));
    let path = format!("{mount}/{name}");
    let (code, _, stderr) = vault(sidecar, &["kv", "put", &path, "key=-"], &value).await?;
    ensure!(code == 0, "vault kv put: {stderr}");
    assert_eq!(fixture.get(name).await?.1["data"]["data"], json!({ "key": value }));
    let read = succeeds(sidecar, &["kv", "get", "-field=key", &path]).await?;
    assert_eq!(read, value);
    let read = succeeds(sidecar, &["kv", "get", "-mount", mount, "-format=json", name]).await?;
    let read: Value = serde_json::from_str(&read)?;
    assert_eq!(read["data"]["data"]["key"], json!(value));
    succeeds(sidecar, &["kv", "put", "-cas=1", &path, "key=second"]).await?;
    let (code, _, stderr) =
        vault(sidecar, &["kv", "put", "-cas=1", &path, "key=third"], "").await?;
    assert_ne!(code, 0);
    assert!(stderr.contains("check-and-set parameter did not match"), "{stderr}");
    let old = succeeds(sidecar, &["kv", "get", "-version=1", "-field=key", &path]).await?;
    assert_eq!(old, value);
    succeeds(sidecar, &["kv", "patch", &path, "other=added"]).await?;
    let (_, patched) = fixture.get(name).await?;
    assert_eq!(patched["data"]["data"], json!({ "key": "second", "other": "added" }));
    let metadata = succeeds(sidecar, &["kv", "metadata", "get", "-format=json", &path]).await?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    assert_eq!(metadata["data"]["current_version"], 3);
    succeeds(sidecar, &["kv", "metadata", "put", "-custom-metadata=owner=me", &path]).await?;
    succeeds(sidecar, &["kv", "delete", &path]).await?;
    assert_eq!(fixture.get(name).await?.0, 404);
    let (_, stdout, _) = vault(sidecar, &["kv", "get", &path], "").await?;
    assert!(stdout.contains("deletion_time"), "{stdout}");
    succeeds(sidecar, &["kv", "metadata", "delete", &path]).await?;
    Ok(())
}

#[tokio::test]
async fn vault_cli_puts_gets_lists_and_deletes() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    fixture.put("stays", json!({ "key": "v" })).await?;
    fixture.put("folder/inner", json!({ "key": "v" })).await?;
    use_every_operation(&fixture, &sidecar, "one").await?;
    use_every_operation(&fixture, &sidecar, "folder/litellm/alias").await?;
    let list = succeeds(&sidecar, &["kv", "list", "-format=json", &fixture.mount]).await?;
    assert_eq!(serde_json::from_str::<Value>(&list)?, json!(["folder/", "stays"]));
    let folder = format!("{}/folder", fixture.mount);
    let list = succeeds(&sidecar, &["kv", "list", "-format=json", &folder]).await?;
    assert_eq!(serde_json::from_str::<Value>(&list)?, json!(["inner"]));
    Ok(())
}

#[tokio::test]
async fn vault_cli_receives_errors_of_vault_outside_the_location() -> Result<()> {
    let server = Server::shared().await?;
    let (fixture, other) = (server.fixture().await?, server.fixture().await?);
    let sidecar = Sidecar::of(&fixture).await?;
    let elsewhere = format!("{}/one", other.mount);
    for arguments in
        [["kv", "get", &elsewhere], ["kv", "delete", &elsewhere], ["secrets", "list", "-detailed"]]
    {
        let (code, _, stderr) = vault(&sidecar, &arguments, "").await?;
        assert_eq!(code, 2, "{arguments:?}");
        assert!(stderr.contains("Code: 403"), "{arguments:?}: {stderr}");
        assert!(stderr.contains("permission denied") || stderr.contains("preflight"), "{stderr}");
    }
    let absent = format!("{}/absent", fixture.mount);
    let (code, _, stderr) = vault(&sidecar, &["kv", "get", &absent], "").await?;
    assert_eq!(code, 2);
    assert!(stderr.contains("No value found"), "{stderr}");
    succeeds(&sidecar, &["token", "lookup"]).await.map(drop)
}
