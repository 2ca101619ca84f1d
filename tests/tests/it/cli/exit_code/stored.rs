//! Exit 6, 7 and 8: not found, version conflict, unusable stored value.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Engine, FixtureSpec, Server, secret};

use crate::cli::common::{NAME, contains_all, fails, writer};
use crate::cli::listener::{Reply, Scripted};

#[tokio::test]
async fn missing_secret_is_exit_6() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (server, mount) = (fixture.server(), &fixture.mount);
    for name in ["deleted", "destroyed"] {
        fixture.put(name, json!({ "key": secret(name) })).await?;
    }
    server.must("DELETE", &format!("{mount}/data/deleted"), None).await?;
    let versions = json!({ "versions": [1] });
    server.must("PUT", &format!("{mount}/destroy/destroyed"), versions).await?;
    server.must("POST", &format!("{mount}/metadata/bare"), json!({})).await?;
    for (name, why, hint) in [
        ("never-written", "not found", "HCP_VAULT_PATH_PREFIX"),
        ("folder/never-written", "not found", "HCP_VAULT_PATH_PREFIX"),
        ("bare", "not found", "HCP_VAULT_PATH_PREFIX"),
        ("deleted", "deleted", "undelete"),
        ("destroyed", "destroyed", "write a new version"),
    ] {
        let stderr = fails(|| fixture.km().args(["read", name]), 6, "not_found").await?;
        contains_all(&stderr, &[&format!("km: read {name}: "), why, hint])?;
        fails(|| fixture.km().args(["read", "--bool", name]), 6, "not_found").await?;
        fails(|| writer(&fixture).args(["delete", name]), 6, "not_found").await?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_mount_is_exit_6() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.server().must("DELETE", &format!("sys/mounts/{}", fixture.mount), None).await?;
    for arguments in [&["read", NAME][..], &["list"], &["write", NAME], &["delete", NAME]] {
        let km = || writer(&fixture).args(arguments).stdin("value");
        let stderr = fails(km, 6, "not_found").await?;
        contains_all(&stderr, &["no secrets engine is mounted", "HCP_VAULT_MOUNT_NAME"])?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_namespace_is_exit_6() -> Result<()> {
    // Only Vault Enterprise reports a missing namespace.
    let missing = json!({ "errors": ["namespace not found"] });
    let server = Scripted::new(move |_| Reply::Json(404, missing.clone()))?;
    let km =
        || crate::cli::common::km_against(&server.address()).env("HCP_VAULT_NAMESPACE", "nowhere");
    for arguments in [&["read", NAME][..], &["list"]] {
        let stderr = fails(|| km().args(arguments), 6, "not_found").await?;
        contains_all(&stderr, &["namespace not found", "HCP_VAULT_NAMESPACE"])?;
    }
    Ok(())
}

#[tokio::test]
async fn version_mismatch_is_exit_7() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": secret("first") })).await?;
    for cas in ["0", "2", "9223372036854775807"] {
        let km = || writer(&fixture).args(["write", NAME, "--cas", cas]).stdin(secret("second"));
        let stderr = fails(km, 7, "conflict").await?;
        contains_all(
            &stderr,
            &[&format!("km: write {NAME}: "), "version mismatch", "read the current"],
        )?;
    }
    assert_eq!(fixture.get(NAME).await?.1["data"]["metadata"]["version"], 1);
    Ok(())
}

#[tokio::test]
async fn value_that_is_not_a_string_is_exit_8() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for (name, fields, why) in [
        ("missing", json!({ "password": secret("value") }), "no field `key`"),
        ("none", json!({}), "no field `key`"),
        ("number", json!({ "key": 1 }), "not a string"),
        ("list", json!({ "key": [secret("value")] }), "not a string"),
        ("object", json!({ "key": { "key": secret("value") } }), "not a string"),
        ("boolean", json!({ "key": true }), "not a string"),
        ("null", json!({ "key": Value::Null }), "not a string"),
    ] {
        fixture.put(name, fields).await?;
        let path = format!("{}/data/{name}", fixture.mount);
        for bool in [&[][..], &["--bool"]] {
            let km = || fixture.km().args(["read", name]).args(bool);
            let stderr = fails(km, 8, "stored_value").await?;
            contains_all(&stderr, &[&format!("km: read {name}: "), &path, why, "string"])?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn version_1_mount_is_exit_8_for_existing_and_missing_secrets() -> Result<()> {
    let spec = FixtureSpec { engine: Engine::V1, ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let path = format!("{}/data/lookalike", fixture.mount);
    fixture.server().must("POST", &path, json!({ "key": secret("value") })).await?;
    for (command, name) in [
        ("read", "lookalike"),
        ("read", NAME),
        ("delete", "lookalike"),
        ("delete", NAME),
        ("write", NAME),
    ] {
        let km = || writer(&fixture).args([command, name]).stdin(secret("new"));
        let stderr = fails(km, 8, "stored_value").await?;
        contains_all(&stderr, &["version 1", "HCP_VAULT_MOUNT_NAME"])?;
    }
    let (status, _) = fixture.get(NAME).await?;
    assert_eq!(status, 404, "a secret was written");
    let (status, _) = fixture.server().api("GET", &path, None).await?;
    assert_eq!(status, 200, "the secret was deleted");
    Ok(())
}

#[tokio::test]
async fn value_that_is_not_a_boolean_is_exit_8() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for (name, value) in
        [("word", secret("value")), ("yes", "yes".into()), ("empty", String::new())]
    {
        fixture.put(name, json!({ "key": value })).await?;
        let km = || fixture.km().args(["read", "--bool", name]);
        let stderr = fails(km, 8, "stored_value").await?;
        contains_all(&stderr, &["neither true nor false", "--bool"])?;
    }
    Ok(())
}
