//! Failures of Vault: the error kind, and whether the environment may answer.

use std::net::TcpListener;

use anyhow::Result;
use km_proxy_adapter::{ErrorKind, Source};
use serde_json::json;
use testkit::{Engine, Fixture, FixtureSpec, Flavor, Server, secret};

use super::{keys_before, read};
use crate::product::variables;

/// A failure for a name that the environment has: the error kind, and the value with `on_error`.
async fn check(fixture: &Fixture, settings: &[(&str, &str)], expected: ErrorKind) -> Result<()> {
    check_fallback(fixture, settings, expected, "on_error").await
}

/// A failure that the environment answers with this policy only.
async fn check_fallback(
    fixture: &Fixture,
    settings: &[(&str, &str)],
    expected: ErrorKind,
    environment: &str,
) -> Result<()> {
    let value = secret("environment");
    for fallback in ["never", "on_missing", "on_error"] {
        let settings = [settings, &[("KM_FALLBACK", fallback)]].concat();
        let keys = keys_before(fixture, &settings, variables(&[("NAME", &value)])).await?;
        // The second read has the same outcome.
        for _ in 0..2 {
            match read(fixture, &keys, "NAME").await {
                Ok(secret) => {
                    assert_eq!((fallback, secret.source()), (environment, Source::Environment));
                    assert_eq!(secret.expose(), value);
                }
                Err(error) => {
                    assert_ne!(fallback, environment, "{}", error.message());
                    assert_eq!(error.kind(), expected, "{fallback}: {}", error.message());
                    assert!(error.hint().is_some(), "{}", error.message());
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn wrong_mount_is_not_a_miss() -> Result<()> {
    let server = Server::shared().await?;
    let beside = |mount: &str| format!(r#"path "{mount}*" {{ capabilities = ["read"] }}"#);
    let spec = FixtureSpec { policy: Some(beside), ..Default::default() };
    let fixture = server.fixture_with(spec).await?;
    for mount in [format!("{}-gone", fixture.mount), format!("{}/inside", fixture.mount)] {
        // A configuration error, for which there is no fallback.
        let mount = [("HCP_VAULT_MOUNT_NAME", mount.as_str())];
        check_fallback(&fixture, &mount, ErrorKind::NotFound, "none").await?;
    }
    // On Vault the segments of the namespace are another path. OpenBao reports the namespace.
    let namespace = [("HCP_VAULT_SECRET_NAMESPACE", "nowhere")];
    match server.flavor() {
        Flavor::Vault => check(&fixture, &namespace, ErrorKind::Denied).await?,
        Flavor::OpenBao => {
            check_fallback(&fixture, &namespace, ErrorKind::NotFound, "none").await?;
        }
    }

    let other = server.fixture().await?;
    check(&fixture, &[("HCP_VAULT_MOUNT_NAME", &other.mount)], ErrorKind::Denied).await?;

    let spec = FixtureSpec { engine: Engine::V1, ..Default::default() };
    let one = server.fixture_with(spec).await?;
    check(&one, &[], ErrorKind::StoredValue).await
}

#[tokio::test]
async fn failed_login_is_an_auth_error() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("NAME", json!({ "key": secret("vault") })).await?;
    let wrong = secret("wrong");
    for settings in [
        &[("HCP_VAULT_APPROLE_SECRET_ID", wrong.as_str())][..],
        &[("HCP_VAULT_APPROLE_MOUNT_PATH", "nowhere")],
        &[("KM_AUTH_METHOD", "token"), ("HCP_VAULT_TOKEN", &wrong)],
    ] {
        check(&fixture, settings, ErrorKind::Auth).await?;
    }
    Ok(())
}

#[tokio::test]
async fn unreachable_or_silent_server_is_unavailable() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    let silent = [("HCP_VAULT_ADDR", address.as_str()), ("KM_DEADLINE", "300ms")];
    check(&fixture, &silent, ErrorKind::Unavailable).await?;
    drop(listener);
    check(&fixture, &[("HCP_VAULT_ADDR", &address)], ErrorKind::Unavailable).await
}

#[tokio::test]
async fn sealed_server_is_unavailable() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    fixture.put("NAME", json!({ "key": secret("vault") })).await?;
    let settings = [("KM_FALLBACK", "on_missing"), ("HCP_VAULT_REFRESH_INTERVAL", "0")];
    let before = keys_before(&fixture, &settings, variables(&[("NAME", "e")])).await?;
    assert_eq!(read(&fixture, &before, "NAME").await?.source(), Source::Vault);
    server.seal().await?;
    // A client with a token, and clients that have to log in first.
    super::fails(&fixture, &before, "NAME", ErrorKind::Unavailable).await?;
    check(&fixture, &[], ErrorKind::Unavailable).await?;
    server.unseal().await?;
    assert_eq!(read(&fixture, &before, "NAME").await?.source(), Source::Vault);
    Ok(())
}
