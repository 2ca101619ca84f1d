//! A token is shared by all callers for its lease, and replaced when it expires or is revoked.
//!
//! The logins are counted by a secret ID with a limited number of uses, because the server refuses
//! one more login.

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

/// Returns a fixture whose secret ID allows this many logins, with one secret stored.
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

/// Reads concurrently. All reads must succeed.
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

/// Verifies that the secret ID has no use left.
async fn expect_used_up(fixture: &Fixture) {
    assert!(fixture.login().await.is_err(), "the secret id has a use left");
}

#[tokio::test]
async fn thousand_concurrent_first_requests_share_one_login() -> Result<()> {
    let (fixture, auth, kv) = logins(1, json!({})).await?;
    // All callers wait for the login, and then read as a gateway does.
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
async fn token_is_reused_until_its_lease_ends() -> Result<()> {
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
async fn revoked_token_is_replaced_by_one_login_for_all_callers() -> Result<()> {
    let (fixture, auth, kv) = logins(2, json!({})).await?;
    kv.read(&path("name")?).await?;
    let first = auth.token().await?;
    revoke(&fixture, first.token.expose()).await?;
    // Many callers are denied at once.
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
async fn write_with_a_revoked_token_is_sent_once_more() -> Result<()> {
    let (fixture, auth, kv) = logins(2, json!({})).await?;
    let fields = vault_kv::Fields::new().with("key", "new");
    kv.write(&path("name")?, &fields, vault_kv::Cas::Any).await?;
    revoke(&fixture, auth.token().await?.token.expose()).await?;
    let written = kv.write(&path("name")?, &fields, vault_kv::Cas::Any).await?;
    assert_eq!(written.version, 3);
    assert_eq!(fixture.get("name").await?.1["data"]["metadata"]["version"], 3);
    Ok(())
}

#[tokio::test]
async fn denied_path_keeps_the_token() -> Result<()> {
    let half = |mount: &str| format!(r#"path "{mount}/data/mine" {{ capabilities = ["read"] }}"#);
    let server = Server::shared().await?;
    // Without the policy `default`, a token may not look itself up.
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
async fn token_is_replaced_before_its_lease_ends_without_a_denial() -> Result<()> {
    let (fixture, auth, _) = logins(2, json!({ "token_ttl": "2s", "token_max_ttl": "2s" })).await?;
    let first = auth.token().await?.generation;
    // Only logins are sent, so no request is denied.
    let logged_in = async || Ok(auth.token().await?.generation > first);
    until("a login at the lease's end", logged_in).await?;
    expect_used_up(&fixture).await;
    Ok(())
}

#[tokio::test]
async fn token_whose_lease_has_ended_is_replaced_by_a_login() -> Result<()> {
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
async fn token_with_two_uses_is_replaced_by_a_login() -> Result<()> {
    let (fixture, _, kv) = logins(3, json!({ "token_num_uses": 2 })).await?;
    for _ in 0..5 {
        assert_eq!(kv.read(&path("name")?).await?.metadata.version, 1);
    }
    expect_used_up(&fixture).await;
    Ok(())
}
