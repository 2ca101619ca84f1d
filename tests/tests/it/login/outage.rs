//! A server that is sealed, down or slow when a token has to be renewed.

use anyhow::Result;
use serde_json::json;
use testkit::{FixtureSpec, Server};
use vault_auth::{Counts, State};
use vault_http::TokenSource as _;

use super::policies;
use crate::product::{approle, auth, until};

#[tokio::test]
async fn a_server_that_can_not_be_asked_costs_no_token() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let role = json!({ "token_ttl": "10s", "token_max_ttl": "1h" });
    let spec = FixtureSpec { role: Some(role), ..FixtureSpec::default() };
    let fixture = server.fixture_with(spec).await?;
    let auth = auth(&fixture, approle(&fixture)?)?;
    auth.ready().await?;
    // Sealed, hanging, gone: each until a renewal has met it.
    for fault in 0..3 {
        let before = auth.status().counts;
        match fault {
            0 => server.seal().await?,
            1 => server.freeze().await?,
            _ => server.stop().await?,
        }
        let failed = async || Ok(auth.status().counts.failures > before.failures);
        until("a renewal that fails", failed).await?;
        assert!(auth.token().await.is_ok(), "what is left is used meanwhile");
        match fault {
            0 => server.unseal().await?,
            1 => server.thaw().await?,
            _ => {
                server.start().await?;
                server.unseal().await?;
            }
        }
        // By then it may be time for a login in place of a renewal.
        let gained = |counts: Counts| counts.renewals + counts.logins;
        let works = async || Ok(gained(auth.status().counts) > gained(before));
        until("a lease that is gained", works).await?;
    }
    let status = auth.status();
    assert_eq!((status.state, status.counts.invalidated), (State::Active, 0));
    let token = auth.token().await?.token;
    assert!(policies(fixture.server(), token.expose()).await?.is_some());
    Ok(())
}
