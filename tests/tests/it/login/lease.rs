//! What a login is used for: its lease, all callers at once, and no longer than the token lives.
//!
//! A secret id with a number of uses counts the logins: the server refuses one more.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Server};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vault_auth::Auth;
use vault_http::{ErrorKind as Http, TokenSource as _};
use vault_kv::{ErrorKind, Kv};

use super::{policies, revoke};
use crate::product::{approle, auth, kv_by, path, until};

/// A fixture whose secret id logs in so often, with one secret stored.
async fn logins(uses: u64, role: Value) -> Result<(Fixture, Auth, Kv)> {
    let mut settings = role;
    settings["secret_id_num_uses"] = uses.into();
    let spec = FixtureSpec { role: Some(settings), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let auth = auth(&fixture, approle(&fixture)?)?;
    let kv = kv_by(&fixture, &auth)?;
    Ok((fixture, auth, kv))
}

/// As many reads at once; all have to succeed.
async fn read_at_once(kv: &Kv, readers: usize) -> Result<()> {
    let name = path("name")?;
    let mut tasks = JoinSet::new();
    for _ in 0..readers {
        let (kv, name) = (kv.clone(), name.clone());
        tasks.spawn(async move { kv.read(&name).await });
    }
    while let Some(read) = tasks.join_next().await {
        assert_eq!(read??.metadata.version, 1);
    }
    Ok(())
}

/// The secret id was used as often as it could be.
async fn expect_used_up(fixture: &Fixture) {
    assert!(fixture.login().await.is_err(), "the secret id has a use left");
}

#[tokio::test]
async fn a_thousand_first_requests_at_once_are_one_login() -> Result<()> {
    let (fixture, auth, kv) = logins(1, json!({})).await?;
    // All wait for the login together; the reads that follow are as many as a gateway's.
    let (turns, name) = (Arc::new(Semaphore::new(64)), path("name")?);
    let mut tasks = JoinSet::new();
    for _ in 0..1_000 {
        let (auth, kv, turns, name) = (auth.clone(), kv.clone(), Arc::clone(&turns), name.clone());
        tasks.spawn(async move {
            let lease = auth.token().await?;
            let _turn = turns.acquire().await?;
            anyhow::Ok((lease.generation, kv.read(&name).await?.metadata.version))
        });
    }
    let generation = auth.token().await?.generation;
    while let Some(read) = tasks.join_next().await {
        assert_eq!(read??, (generation, 1));
    }
    expect_used_up(&fixture).await;
    Ok(())
}

#[tokio::test]
async fn a_login_is_used_for_its_lease() -> Result<()> {
    let (fixture, auth, kv) = logins(1, json!({ "token_ttl": "1h" })).await?;
    let first = auth.token().await?;
    for _ in 0..20 {
        kv.read(&path("name")?).await?;
    }
    assert_eq!(auth.token().await?.generation, first.generation);
    expect_used_up(&fixture).await;
    Ok(())
}

#[tokio::test]
async fn a_token_that_was_revoked_is_replaced_by_one_login() -> Result<()> {
    let (fixture, auth, kv) = logins(2, json!({})).await?;
    kv.read(&path("name")?).await?;
    let first = auth.token().await?;
    revoke(&fixture, first.token.expose()).await?;
    // Many notice at once.
    read_at_once(&kv, 50).await?;
    let second = auth.token().await?;
    assert!(second.generation > first.generation);
    expect_used_up(&fixture).await;

    revoke(&fixture, second.token.expose()).await?;
    let error = kv.read(&path("name")?).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exchange(Http::LoginRefused), "{error}");
    fixture.watch.error(&error);
    Ok(())
}

#[tokio::test]
async fn a_write_after_a_revocation_is_sent_once_more() -> Result<()> {
    let (fixture, auth, kv) = logins(2, json!({})).await?;
    let fields = vault_kv::Fields::new().with("key", "new".into());
    kv.write(&path("name")?, &fields, vault_kv::Cas::Any).await?;
    revoke(&fixture, auth.token().await?.token.expose()).await?;
    let written = kv.write(&path("name")?, &fields, vault_kv::Cas::Any).await?;
    assert_eq!(written.version, 3);
    assert_eq!(fixture.get("name").await?.1["data"]["metadata"]["version"], 3);
    Ok(())
}

#[tokio::test]
async fn a_path_that_is_denied_costs_no_token() -> Result<()> {
    let half = |mount: &str| format!(r#"path "{mount}/data/mine" {{ capabilities = ["read"] }}"#);
    let server = Server::shared().await?;
    // Without the default policy, a token may not look itself up.
    for no_default_policy in [false, true] {
        let role = json!({ "secret_id_num_uses": 1, "token_no_default_policy": no_default_policy });
        let spec = FixtureSpec { policy: Some(half), role: Some(role), ..Default::default() };
        let fixture = server.fixture_with(spec).await?;
        fixture.put("mine", json!({ "key": "v" })).await?;
        fixture.put("theirs", json!({ "key": "v" })).await?;
        let auth = auth(&fixture, approle(&fixture)?)?;
        let kv = kv_by(&fixture, &auth)?;
        let generation = auth.token().await?.generation;
        for _ in 0..3 {
            let error = kv.read(&path("theirs")?).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exchange(Http::Denied), "{error}");
            fixture.watch.error(&error);
        }
        assert_eq!(kv.read(&path("mine")?).await?.metadata.version, 1);
        assert_eq!(auth.token().await?.generation, generation);
    }
    Ok(())
}

#[tokio::test]
async fn a_lease_that_ends_needs_no_refusal_to_be_noticed() -> Result<()> {
    let (fixture, auth, _) = logins(2, json!({ "token_ttl": "2s", "token_max_ttl": "2s" })).await?;
    let first = auth.token().await?.generation;
    // Nothing but logins is sent, so nothing is refused.
    let logged_in = async || Ok(auth.token().await?.generation > first);
    until("a login at the lease's end", logged_in).await?;
    expect_used_up(&fixture).await;
    Ok(())
}

#[tokio::test]
async fn a_token_whose_lease_ends_is_followed_by_a_login() -> Result<()> {
    let (fixture, auth, kv) =
        logins(2, json!({ "token_ttl": "2s", "token_max_ttl": "2s" })).await?;
    let first = auth.token().await?;
    let dead = async || Ok(policies(fixture.server(), first.token.expose()).await?.is_none());
    until("the end of a token's two seconds", dead).await?;
    assert_eq!(kv.read(&path("name")?).await?.metadata.version, 1);
    expect_used_up(&fixture).await;
    Ok(())
}

#[tokio::test]
async fn a_token_with_two_uses_is_followed_by_a_login() -> Result<()> {
    let (fixture, _, kv) = logins(3, json!({ "token_num_uses": 2 })).await?;
    for _ in 0..5 {
        assert_eq!(kv.read(&path("name")?).await?.metadata.version, 1);
    }
    expect_used_up(&fixture).await;
    Ok(())
}
