//! The life of a token on a real server, in leases of seconds.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Server};
use vault_auth::{Auth, OnShutdown, State, StaticToken, TokenKind};
use vault_http::TokenSource as _;

use super::policies;
use crate::product::{approle, auth, client, kv_by, path, until, value};
use crate::relay::Relay;

async fn fixture(role: Value) -> Result<Fixture> {
    let spec = FixtureSpec { role: Some(role), ..FixtureSpec::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    Ok(fixture)
}

async fn counted(
    auth: &Auth,
    what: &str,
    is_so: impl Fn(&vault_auth::Counts) -> bool,
) -> Result<()> {
    until(what, async || Ok(is_so(&auth.status().counts))).await
}

#[tokio::test]
async fn the_steady_state_sends_one_request_a_lease() -> Result<()> {
    let fixture = fixture(json!({ "token_period": "2s" })).await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let auth = Auth::new(client(relay.address())?, approle(&fixture)?);
    let first = auth.token().await?.generation;
    for renewals in 1..=4 {
        counted(&auth, "a renewal", |counts| counts.renewals >= renewals).await?;
    }
    let counts = auth.status().counts;
    assert_eq!(relay.requests() as u64, 1 + counts.renewals);
    assert_eq!((counts.logins, auth.token().await?.generation), (1, first));
    Ok(())
}

#[tokio::test]
async fn a_token_at_its_greatest_age_is_replaced_while_it_works() -> Result<()> {
    let fixture = fixture(json!({ "token_ttl": "3s", "token_max_ttl": "4s" })).await?;
    let auth = auth(&fixture, approle(&fixture)?)?;
    let first = auth.token().await?;
    counted(&auth, "a second login", |counts| counts.logins == 2).await?;
    let alive = policies(fixture.server(), first.token.expose()).await?;
    assert!(alive.is_some(), "the first one is dead already");
    assert!(auth.token().await?.generation > first.generation);
    assert_eq!(auth.status().counts.invalidated, 0);
    Ok(())
}

#[tokio::test]
async fn at_most_two_tokens_live_and_the_end_revokes_both() -> Result<()> {
    // Leases that would outlive the test.
    let fixture = fixture(json!({ "token_ttl": "1h", "token_num_uses": 5 })).await?;
    let auth = auth(&fixture, approle(&fixture)?)?;
    let kv = kv_by(&fixture, &auth)?;
    for logins in 2..=4 {
        while auth.status().counts.logins < logins {
            kv.read(&path("name")?).await?;
        }
        let alive = super::accessors(&fixture).await?.len();
        assert!(alive <= 2, "{alive} tokens live after {logins} logins");
    }
    auth.shutdown(OnShutdown::Revoke).await;
    assert_eq!(super::accessors(&fixture).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn renewals_that_a_policy_forbids_are_given_up_after_the_second_token() -> Result<()> {
    let role = json!({ "token_ttl": "2s", "token_no_default_policy": true });
    let fixture = fixture(role).await?;
    let auth = auth(&fixture, approle(&fixture)?)?;
    let kv = kv_by(&fixture, &auth)?;
    while auth.status().counts.logins < 5 {
        kv.read(&path("name")?).await?;
    }
    let counts = auth.status().counts;
    assert_eq!((counts.refusals, counts.renewals, counts.invalidated), (2, 0, 0));
    Ok(())
}

#[tokio::test]
async fn batch_tokens_are_replaced_and_not_revoked() -> Result<()> {
    let fixture = fixture(json!({ "token_ttl": "3s", "token_type": "batch" })).await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let auth = Auth::new(client(relay.address())?, approle(&fixture)?);
    auth.ready().await?;
    assert_eq!(auth.status().kind, Some(TokenKind::Fixed));
    counted(&auth, "a second login", |counts| counts.logins == 2).await?;
    auth.shutdown(OnShutdown::Revoke).await;
    assert_eq!(relay.requests(), 2);
    Ok(())
}

#[tokio::test]
async fn a_number_of_uses_is_counted_and_never_run_into() -> Result<()> {
    let fixture = fixture(json!({ "token_ttl": "1h", "token_num_uses": 10 })).await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let auth = Auth::new(client(relay.address())?, approle(&fixture)?);
    assert_eq!(auth.ready().await.map(|()| auth.status().kind)?, Some(TokenKind::Counted));
    let kv = kv_by(&fixture, &auth)?;
    for _ in 0..40 {
        kv.read(&path("name")?).await?;
    }
    let counts = auth.status().counts;
    assert_eq!(counts.invalidated, 0, "a use was sent that was not left");
    assert!((4..=6).contains(&counts.logins), "{counts:?}");
    Ok(())
}

#[tokio::test]
async fn a_given_token_is_renewed_where_that_can_be() -> Result<()> {
    let fixture = fixture(json!({})).await?;
    let check = async |settings: Value, kind: TokenKind| -> Result<()> {
        let token = fixture.token(settings).await?;
        let auth = auth(&fixture, StaticToken::new(value(&token)).with_lookup())?;
        auth.ready().await?;
        assert_eq!(auth.status().kind, Some(kind));
        if matches!(kind, TokenKind::Renewable | TokenKind::Periodic) {
            counted(&auth, "two renewals", |counts| counts.renewals >= 2).await?;
        }
        assert_eq!(auth.token().await?.token.expose(), token);
        Ok(())
    };
    check(json!({ "ttl": "4s" }), TokenKind::Renewable).await?;
    check(json!({ "period": "4s" }), TokenKind::Periodic).await?;
    check(json!({ "ttl": "1h", "renewable": false }), TokenKind::Fixed).await?;
    check(json!({ "ttl": "1h", "type": "batch" }), TokenKind::Fixed).await?;
    check(json!({ "ttl": "1h", "num_uses": 5 }), TokenKind::Counted).await
}

#[tokio::test]
async fn a_looked_up_token_with_uses_gives_all_that_are_left() -> Result<()> {
    let fixture = fixture(json!({})).await?;
    let token = fixture.token(json!({ "ttl": "1h", "num_uses": 4 })).await?;
    let auth = auth(&fixture, StaticToken::new(value(&token)).with_lookup())?;
    let kv = kv_by(&fixture, &auth)?;
    // The look-up cost one.
    for _ in 0..3 {
        kv.read(&path("name")?).await?;
    }
    assert_eq!(policies(fixture.server(), &token).await?, None, "it is used up");
    Ok(())
}

#[tokio::test]
async fn the_root_token_needs_nothing() -> Result<()> {
    let fixture = fixture(json!({})).await?;
    let root = fixture.server().root_token();
    let auth = auth(&fixture, StaticToken::new(value(root)).with_lookup())?;
    auth.ready().await?;
    let status = auth.status();
    assert_eq!((status.state, status.kind), (State::Active, Some(TokenKind::Unlimited)));
    assert_eq!((status.expires_in, status.is_ready()), (None, true));
    Ok(())
}
