//! A login in one namespace and secrets in another.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::{Fixture, Flavor, Km, Server, secret};

use super::{fixture, join, km, namespace_below};
use crate::cli::common::{NAME, contains_all, fails};

/// Uses every command that needs the login and the mount.
async fn use_every_command(fixture: &Fixture, km: impl Fn() -> Km) -> Result<()> {
    let (value, new) = (secret("value"), secret("new"));
    let run = async |arguments: &[&str], input: &str| {
        let km = km().env("KM_ACCESS_MODE", "read_and_write").env("KM_STORE_VIRTUAL_KEYS", "true");
        km.args(arguments).stdin(input).run().await?.expect(0)
    };
    let check = run(&["check"], "").await?;
    assert!(!check.text()?.contains("failed"), "{}", check.text()?);
    run(&["write", NAME], &value).await?;
    let (_, stored) = fixture.get(NAME).await?;
    assert_eq!(stored.pointer("/data/data/key"), Some(&json!(value)));
    let read = run(&["read", NAME, "--explain"], "").await?;
    assert_eq!(read.text()?, value);
    contains_all(&read.stderr, &[&format!("/v1/{}/data/{NAME}", fixture.mount)])?;
    assert_eq!(run(&["list"], "").await?.text()?, format!("{NAME}\n"));
    let stored = run(&["key", "store", "alias"], &value).await?;
    let path = format!("{}/data/litellm/alias", fixture.mount);
    assert_eq!(stored.text()?, format!("stored {path} version 1\n"));
    run(&["key", "rotate", "alias", "--to", "beta"], &new).await?;
    assert_eq!(run(&["key", "read", "beta"], "").await?.text()?, new);
    assert_eq!(run(&["key", "list"], "").await?.text()?, "beta\n");
    run(&["key", "delete", "beta"], "").await?;
    run(&["delete", NAME], "").await.map(drop)
}

#[tokio::test]
async fn login_and_secrets_in_different_namespaces_work_with_every_command() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let parent = namespace_below(server, "").await?;
    let child = namespace_below(server, &parent).await?;
    for (login, secrets) in [
        ("", parent.as_str()),
        ("", &child),
        (&parent, &child),
        (&parent, &parent),
        (&child, &child),
    ] {
        let fixture = fixture(server, login, secrets).await?;
        use_every_command(&fixture, || km(&fixture))
            .await
            .with_context(|| format!("login in `{login}`, secrets in `{secrets}`"))?;
    }
    // One setting for both.
    let fixture = fixture(server, &child, &child).await?;
    let km = || {
        km(&fixture)
            .env_remove("HCP_VAULT_LOGIN_NAMESPACE")
            .env_remove("HCP_VAULT_SECRET_NAMESPACE")
            .env("HCP_VAULT_NAMESPACE", format!(" /{child}/ "))
    };
    use_every_command(&fixture, km).await
}

#[tokio::test]
async fn login_in_a_namespace_beside_the_secrets_is_denied_and_explained() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let parent = namespace_below(server, "").await?;
    let [login, secrets] =
        [namespace_below(server, &parent).await?, namespace_below(server, &parent).await?];
    for secrets in [secrets.as_str(), &parent, ""] {
        let fixture = fixture(server, &login, secrets).await?;
        fixture.put(NAME, json!({ "key": secret("value") })).await?;
        fails(|| km(&fixture).args(["read", NAME]), 5, "denied").await?;
        let output = km(&fixture).args(["check"]).run().await?.expect(5)?;
        let login = format!("the login namespace `{login}` does not reach");
        contains_all(output.text()?, &[&login, "HCP_VAULT_LOGIN_NAMESPACE"])?;
    }
    Ok(())
}

/// Returns a fixture that logs in to the parent of the namespace of its secrets, and the value that
/// is stored there.
async fn secret_of_a_child(server: &Server) -> Result<(Fixture, String)> {
    let parent = namespace_below(server, "").await?;
    let child = namespace_below(server, &parent).await?;
    let fixture = fixture(server, &parent, &child).await?;
    let value = secret("value");
    fixture.put(NAME, json!({ "key": value })).await?;
    Ok((fixture, value))
}

#[tokio::test]
async fn wrapped_secret_id_is_unwrapped_in_the_namespace_of_the_login() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let (fixture, value) = secret_of_a_child(server).await?;
    let path = format!("auth/{}/role/{}/secret-id", fixture.auth_mount, fixture.role);
    let headers = [("X-Vault-Token", server.root_token()), ("X-Vault-Wrap-TTL", "60")];
    let (_, answer) = server
        .raw()
        .exchange("POST", &join(&fixture.login_namespace, &path), &headers, None)
        .await?;
    let wrapped = answer.pointer("/wrap_info/token").and_then(Value::as_str).context("no token")?;
    let km = || {
        let km = km(&fixture).env("HCP_VAULT_APPROLE_SECRET_ID", wrapped);
        km.env("KM_APPROLE_SECRET_ID_WRAPPED", "true").args(["read", NAME])
    };
    assert_eq!(km().run().await?.expect(0)?.text()?, value);
    contains_all(&fails(km, 3, "auth").await?, &["the wrapping token is spent"])
}

#[tokio::test]
async fn token_with_one_use_reads_a_secret_of_a_namespace() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let (fixture, value) = secret_of_a_child(server).await?;
    let token = fixture.token(json!({ "num_uses": 1 })).await?;
    let km = || {
        let km = km(&fixture).env("KM_AUTH_METHOD", "token").env("HCP_VAULT_TOKEN", &token);
        km.args(["read", NAME])
    };
    assert_eq!(km().run().await?.expect(0)?.text()?, value);
    fails(km, 3, "auth").await.map(drop)
}
