//! Exit 3, failed authentication, and exit 5, denied permission.

use anyhow::Result;
use serde_json::json;
use testkit::{Engine, FixtureSpec, Server, secret};

use crate::cli::common::{NAME, contains_all, fails, km_with_token, rejected, writer};

#[tokio::test]
async fn rejected_token_is_exit_3() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;

    let used_up = fixture.token(json!({ "num_uses": 1 })).await?;
    server
        .raw()
        .call("GET", &format!("{}/data/{NAME}", fixture.mount), Some(&used_up), None)
        .await?;
    let revoked = fixture.token(json!({})).await?;
    server.must("POST", "auth/token/revoke", json!({ "token": revoked })).await?;
    for token in [secret("token"), format!("hvs.{}", secret("token")), used_up, revoked] {
        let km = || km_with_token(server.address(), &fixture.mount, &token);
        let stderr = fails(|| km().args(["read", NAME]), 3, "auth").await?;
        contains_all(&stderr, &[&format!("km: read {NAME}: "), "token", "HCP_VAULT_TOKEN"])?;
        fails(|| km().args(["list"]), 3, "auth").await?;
        let km = || km().env("KM_ACCESS_MODE", "read_and_write");
        fails(|| km().args(["delete", NAME]), 3, "auth").await?;
        fails(|| km().args(["write", NAME]).stdin(secret("new")), 3, "auth").await?;
    }
    Ok(())
}

#[tokio::test]
async fn rejected_login_is_exit_3() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (id, role_id) = ("HCP_VAULT_APPROLE_SECRET_ID", "HCP_VAULT_APPROLE_ROLE_ID");
    for (variable, value) in [
        (id, secret("wrong")),
        (role_id, secret("unknown")),
        ("HCP_VAULT_APPROLE_MOUNT_PATH", "nowhere-at-all".to_owned()),
    ] {
        let km = || fixture.km().env_remove(variable).env(variable, &value);
        let stderr = fails(|| km().args(["read", NAME]), 3, "auth").await?;
        contains_all(
            &stderr,
            &[&format!("km: read {NAME}: "), "login failed", "the credential, the role"],
        )?;
    }
    Ok(())
}

#[tokio::test]
async fn destroyed_secret_id_is_exit_3() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let path = format!("auth/{}/role/{}/secret-id/destroy", fixture.auth_mount, fixture.role);
    let body = json!({ "secret_id": fixture.secret_id });
    fixture.server().must("POST", &path, body).await?;
    fails(|| fixture.km().args(["list"]), 3, "auth").await?;
    Ok(())
}

#[tokio::test]
async fn operation_denied_by_the_policy_is_exit_5() -> Result<()> {
    let policy = |mount: &str| format!(r#"path "{mount}/data/open" {{ capabilities = ["read"] }}"#);
    let spec = FixtureSpec { policy: Some(policy), engine: Engine::V2, ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    let hint = "give the token a policy that allows this path";
    for (arguments, what) in [
        (&["read", NAME][..], "read"),
        (&["list"], "list secrets"),
        (&["write", NAME], "write"),
        (&["delete", NAME], "delete"),
    ] {
        let km = || writer(&fixture).args(arguments).stdin("new");
        let stderr = fails(km, 5, "denied").await?;
        contains_all(&stderr, &[&format!("km: {what}"), "permission denied", hint])?;
    }
    assert_eq!(
        fixture.get(NAME).await?.1["data"]["metadata"]["version"],
        1,
        "a secret was written"
    );
    Ok(())
}

#[tokio::test]
async fn operation_denied_by_the_access_mode_is_exit_5_without_a_request() -> Result<()> {
    for (mode, arguments) in [
        ("read_only", &["write", NAME][..]),
        ("", &["write", NAME]),
        ("read_only", &["delete", NAME]),
        ("write_only", &["list"]),
        ("write_only", &["list", "folder/"]),
    ] {
        let silent = crate::cli::listener::Silent::new()?;
        let km = || crate::cli::common::km_against(&silent.address()).env("KM_ACCESS_MODE", mode);
        let stderr = fails(|| km().args(arguments).stdin("value"), 5, "denied").await?;
        let mode = if mode.is_empty() { "read_only" } else { mode };
        contains_all(&stderr, &[&format!("the access mode is {mode}"), "KM_ACCESS_MODE"])?;
        assert_eq!(silent.connections()?, 0, "{arguments:?}");
    }
    // An invalid name is reported before the access mode, because it is an error in the arguments.
    let mode = |km: testkit::Km| km.env("KM_ACCESS_MODE", "read_only");
    rejected("usage", |km| mode(km).args(["delete", ".."])).await?;
    Ok(())
}
