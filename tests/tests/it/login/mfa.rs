//! A login that requires multi-factor authentication, which a program cannot provide.

use anyhow::{Context, Result};
use serde_json::json;
use testkit::{Server, secret, unique};
use vault_auth::{State, Userpass};
use vault_http::{ApiPath, ErrorKind};

use super::refused;
use crate::product::{auth, value};

/// C12
#[tokio::test]
async fn login_that_requires_mfa_is_refused_and_waits() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let (mount, password) = (format!("users-{}", unique()), secret("password"));
    server.must("POST", &format!("sys/auth/{mount}"), json!({ "type": "userpass" })).await?;
    let user = json!({ "password": password, "token_policies": [fixture.policy] });
    server.must("POST", &format!("auth/{mount}/users/user"), user).await?;
    let mounts = server.must("GET", "sys/auth", None).await?;
    let accessor = mounts["data"][format!("{mount}/")]["accessor"].clone();
    let totp = json!({ "issuer": "Vault", "period": 30 });
    let method = server.must("POST", "identity/mfa/method/totp", totp).await?;
    let method = method["data"]["method_id"].as_str().context("no method")?.to_owned();
    let enforcement = format!("identity/mfa/login-enforcement/{mount}");
    let rule = json!({ "mfa_method_ids": [method], "auth_method_accessors": [accessor] });
    server.must("POST", &enforcement, rule).await?;

    let user = Userpass::new(ApiPath::parse("user")?, value(&password));
    let auth = auth(&fixture, user.mount(ApiPath::parse(&mount)?))?;
    refused(&fixture, &auth, ErrorKind::LoginRefused).await;
    let status = auth.status();
    assert_eq!((status.state, status.counts.refusals), (State::Rejected, 1));
    let detail = status.error.context("no error")?.detail();
    assert_eq!(detail, "the login requires MFA, which km does not support");

    server.must("DELETE", &enforcement, None).await?;
    server.must("DELETE", &format!("identity/mfa/method/totp/{method}"), None).await?;
    server.must("DELETE", &format!("sys/auth/{mount}"), None).await.map(drop)
}
