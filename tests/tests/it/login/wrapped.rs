//! A response-wrapped secret ID, which is unwrapped once, and only if the role's own endpoint
//! created it.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::{Access, Fixture, FixtureSpec, Server, secret, unique};
use vault_auth::{AppRole, Auth};
use vault_http::{ApiPath, ErrorKind};

use super::{logs_in, refused, replaces_a_revoked_token};
use crate::product::{auth, value};

/// Sends a request with a wrapped response, and returns the wrapping token.
async fn wrap(server: &Access, path: &str, body: Value) -> Result<String> {
    let headers = [("X-Vault-Token", server.root_token()), ("X-Vault-Wrap-TTL", "5m")];
    let (status, answer) = server.raw().exchange("POST", path, &headers, Some(body)).await?;
    let token = answer.pointer("/wrap_info/token").and_then(Value::as_str);
    token.map(str::to_owned).with_context(|| format!("{path}: {status}, nothing wrapped"))
}

pub(super) async fn wrapped_secret_id(fixture: &Fixture) -> Result<String> {
    let path = format!("auth/{}/role/{}/secret-id", fixture.auth_mount, fixture.role);
    wrap(fixture.server(), &path, json!({})).await
}

/// Unwraps a token with itself, which spends it.
async fn unwrap(server: &Access, token: &str) -> Result<(u16, Value)> {
    server.raw().call("POST", "sys/wrapping/unwrap", Some(token), None).await
}

fn wrapped(fixture: &Fixture, token: &str) -> Result<Auth> {
    let role = AppRole::new(value(&fixture.role_id), value(token)).wrapped();
    auth(fixture, role.mount(ApiPath::parse(&fixture.auth_mount)?))
}

#[tokio::test]
async fn wrapped_secret_id_is_unwrapped_once_and_logs_in_repeatedly() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let token = wrapped_secret_id(&fixture).await?;
    let auth = wrapped(&fixture, &token)?;
    for _ in 0..2 {
        logs_in(&fixture, &auth).await?;
        assert_eq!(unwrap(fixture.server(), &token).await?.0, 400, "it is spent");
        replaces_a_revoked_token(&fixture, &auth).await?;
    }
    logs_in(&fixture, &auth).await
}

#[tokio::test]
async fn forged_wrapping_token_is_refused_before_it_is_unwrapped() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let elsewhere = Some(format!("roles-{}", unique()));
    let spec = FixtureSpec { auth_mount: elsewhere, ..Default::default() };
    let other = server.fixture_with(spec).await?;
    // The wrapped secret ID itself is valid.
    let content = json!({ "secret_id": fixture.secret_id });
    for forged in [
        wrap(server, "sys/wrapping/wrap", content.clone()).await?,
        wrapped_secret_id(&other).await?,
    ] {
        refused(&fixture, &wrapped(&fixture, &forged)?, ErrorKind::LoginRefused).await;
        let (status, answer) = unwrap(server, &forged).await?;
        assert!(
            status == 200 && answer["data"]["secret_id"].is_string(),
            "it is unspent: {status}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn spent_or_invalid_wrapping_token_is_refused() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let spent = wrapped_secret_id(&fixture).await?;
    assert_eq!(unwrap(server, &spent).await?.0, 200);
    let live = fixture.token(json!({ "ttl": "5m" })).await?;
    for token in [spent, secret("no-token"), live.clone()] {
        refused(&fixture, &wrapped(&fixture, &token)?, ErrorKind::LoginRefused).await;
    }
    assert!(super::policies(server, &live).await?.is_some(), "a token of another kind lives on");
    Ok(())
}
