//! A fixed token that is no longer valid.

use anyhow::Result;
use serde_json::json;
use testkit::{Flavor, Server};
use vault_http::{ErrorKind, FixedToken, Request, Session, Token};

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
