//! A fixed token that is no longer valid, and what the server says about rejected requests.

use anyhow::Result;
use serde_json::json;
use testkit::{Flavor, Server, secret};
use vault_http::{ErrorKind, FixedToken, Request, Session, Token};

use super::Engine;
use crate::product::client;

/// OpenBao does not say that the token is the cause.
#[tokio::test]
async fn revoked_fixed_token_is_reported_as_the_server_reports_it() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let token = fixture.token(json!({ "ttl": "1h" })).await?;
    let tokens = FixedToken::new(Token::new(&token.as_str().into())?);
    let session = Session::new(client(server.address())?, tokens);
    let request = Request::get(format!("{}/config", fixture.mount).parse()?);
    session.send(&request, session.deadline()).await?;
    server.must("POST", "auth/token/revoke", json!({ "token": token })).await?;
    let error = session.send(&request, session.deadline()).await.expect_err("a revoked token");
    fixture.watch.error(&error);
    let expected = match server.flavor() {
        Flavor::Vault => ErrorKind::TokenInvalid,
        Flavor::OpenBao => ErrorKind::Forbidden,
    };
    assert_eq!((error.kind(), error.status()), (expected, Some(403)), "{error}");
    Ok(())
}

/// The documentation of `Error::vault_messages` states which values a server repeats.
#[tokio::test]
async fn server_repeats_values_that_it_cannot_parse_but_no_credentials() -> Result<()> {
    let _approle_is_enabled = Server::shared().await?.fixture().await?;
    let kv = Engine::mount("kv").await?;
    let planted = secret("value");
    for (path, body, is_repeated) in [
        ("auth/approle/login", json!({ "role_id": planted, "secret_id": planted }), false),
        ("sys/wrapping/unwrap", json!({ "token": planted }), false),
        ("auth/token/lookup", json!({ "token": planted }), false),
        ("sys/leases/renew", json!({ "lease_id": planted }), false),
        ("auth/token/create", json!({ "ttl": planted }), true),
    ] {
        let outcome = kv.send(Request::post(path.parse()?, &body)?).await;
        let messages = outcome.expect_err("a rejected request").vault_messages().concat();
        assert!(!messages.is_empty(), "{path}");
        assert_eq!(messages.contains(&planted), is_repeated, "{path}: {messages}");
    }
    kv.unmount().await
}
