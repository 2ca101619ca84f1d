//! `vault-auth` against a real server: the login methods, and the life of a token.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;

mod approle;
mod cert;
mod jwt;
mod token;
mod userpass;
mod wrapped;

mod credentials;
mod lease;
mod life;
mod lost;
mod mfa;
mod outage;
mod policies;
mod rollover;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Access, Fixture};
use vault_auth::Auth;
use vault_http::{Denial, DenialOutcome, ErrorKind, TokenSource as _};

/// Returns the policies of a token from the server, or `None` if it is dead.
async fn policies(server: &Access, token: &str) -> Result<Option<Vec<String>>> {
    let (status, answer) =
        server.raw().call("GET", "auth/token/lookup-self", Some(token), None).await?;
    let policies = serde_json::from_value(answer["data"]["policies"].clone());
    Ok(if status == 200 { Some(policies?) } else { None })
}

/// Returns the accessors of the valid tokens that have the fixture's policy.
pub(crate) async fn accessors(fixture: &Fixture) -> Result<Vec<String>> {
    let server = fixture.server();
    let listed = server.must("LIST", "auth/token/accessors", None).await?;
    let mut accessors: Vec<String> = serde_json::from_value(listed["data"]["keys"].clone())?;
    let mut own = Vec::new();
    for accessor in accessors.drain(..) {
        let body = json!({ "accessor": accessor });
        // A token that has expired in the meantime is not found.
        let (_, answer) = server.api("POST", "auth/token/lookup-accessor", body).await?;
        let policies = answer["data"]["policies"].as_array();
        if policies.is_some_and(|policies| policies.contains(&Value::from(&*fixture.policy))) {
            own.push(accessor);
        }
    }
    Ok(own)
}

/// Logs in, and verifies on the server that the token has the fixture's policy.
async fn logs_in(fixture: &Fixture, auth: &Auth) -> Result<()> {
    let lease = auth.token().await?;
    let policies = policies(fixture.server(), lease.token.expose()).await?;
    assert!(policies.is_some_and(|policies| policies.contains(&fixture.policy)));
    fixture.watch.debug(&lease);
    fixture.watch.debug(auth);
    Ok(())
}

/// Verifies that a login fails with this kind of error.
async fn refused(fixture: &Fixture, auth: &Auth, expected: ErrorKind) {
    let error = auth.token().await.unwrap_err();
    assert_eq!(error.kind(), expected, "{error}");
    fixture.watch.error(&error);
}

/// Revokes a token as an operator does.
async fn revoke(fixture: &Fixture, token: &str) -> Result<()> {
    let body = json!({ "token": token });
    fixture.server().must("POST", "auth/token/revoke", body).await?;
    assert_eq!(policies(fixture.server(), token).await?, None);
    Ok(())
}

/// Revokes the current token, and verifies that the source replaces it after a denial.
async fn replaces_a_revoked_token(fixture: &Fixture, auth: &Auth) -> Result<()> {
    let lease = auth.token().await?;
    revoke(fixture, lease.token.expose()).await?;
    let denial = Denial::new(lease.generation, true);
    assert_eq!(auth.denied(denial).await?, DenialOutcome::Replaced);
    Ok(())
}
