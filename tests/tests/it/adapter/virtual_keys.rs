//! Virtual keys within one process: what is cached, what is requested once, and concurrency.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use km_proxy_adapter::{
    Error, ErrorKind, KeyAlias, KeyManager, StoreOutcome, VaultValidator, VirtualKeys, WriteOptions,
};
use km_settings::TeamSettings;
use secrecy::ExposeSecret;
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server, secret};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{fails, keys, keys_of, read, shows_nothing};
use crate::product::{environment, until, variables};
use crate::relay::Relay;

const STORES: [(&str, &str); 2] =
    [("KM_STORE_VIRTUAL_KEYS", "true"), ("KM_ACCESS_MODE", "read_and_write")];

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

/// Returns a key manager whose requests pass a relay.
async fn keys_through(relay: &Relay, fixture: &Fixture) -> Result<KeyManager> {
    let mut env = environment(fixture);
    env.extend(variables(&STORES));
    env.extend(variables(&[("HCP_VAULT_ADDR", relay.address())]));
    keys_of(&env, env.clone()).await
}

/// Stores a key and returns its version.
async fn store(of: &VirtualKeys, alias: &str, value: &str) -> Result<u64> {
    version(of.store(&KeyAlias::new(alias)?, value.into(), None).await?)
}

fn version(stored: StoreOutcome) -> Result<u64> {
    match stored {
        StoreOutcome::Stored(change) => Ok(change.version),
        StoreOutcome::Skipped => anyhow::bail!("skipped"),
    }
}

#[tokio::test]
async fn changed_key_is_never_served_old() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &STORES).await?;
    let of = keys.virtual_keys(None)?;
    let (a, b) = (KeyAlias::new("a")?, KeyAlias::new("b")?);
    let [first, second, third] = [(); 3].map(|()| secret("key"));
    let expect = async |name: &str, value: Option<&str>| -> Result<()> {
        // Twice, so that it is cached the second time.
        for _ in 0..2 {
            let read = keys.entry(name)?.read().await;
            let kind = read.as_ref().err().map(Error::kind);
            let document = read.ok();
            let text = document.as_ref().map(|document| document.fields().text("key"));
            assert_eq!(text.transpose()?.map(ExposeSecret::expose_secret), value, "{name}");
            assert_eq!(kind, value.is_none().then_some(ErrorKind::NotFound), "{name}");
            // Cached or not, it is not a provider secret.
            fails(&fixture, &keys, name, ErrorKind::Denied).await?;
            assert_eq!(
                keys.handle(name).map_err(|error| error.kind()).err(),
                Some(ErrorKind::Denied)
            );
        }
        Ok(())
    };
    expect("litellm/a", None).await?;
    store(&of, "a", &first).await?;
    expect("litellm/a", Some(&first)).await?;
    of.rotate(&a, None, second.as_str().into()).await?;
    expect("litellm/a", Some(&second)).await?;
    of.rotate(&a, None, third.as_str().into()).await?;
    expect("litellm/a", Some(&third)).await?;
    expect("litellm/b", None).await?;
    of.rename(&a, &b).await?;
    expect("litellm/b", Some(&third)).await?;
    expect("litellm/a", None).await?;
    of.delete(&b).await?;
    expect("litellm/b", None).await
}

#[tokio::test]
async fn abandoned_change_leaves_no_old_value_in_the_cache() -> Result<()> {
    let fixture = fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let keys = keys_through(&relay, &fixture).await?;
    let [old, new, other] = [(); 3].map(|()| secret("key"));
    let options = WriteOptions::default();
    keys.write("NAME", old.as_str().into(), &options).await?;
    assert_eq!(read(&fixture, &keys, "NAME").await?.expose(), old);

    relay.delay_next_write();
    let sent = relay.requests() + 1;
    let write = keys.write("NAME", new.as_str().into(), &options);
    tokio::select! {
        written = write => anyhow::bail!("there is no response yet: {written:?}"),
        seen = until("the write is on its way", async || Ok(relay.requests() == sent)) => seen?,
    }
    // The abandoned write arrives with the next one.
    keys.write("OTHER", other.as_str().into(), &options).await?;
    assert_eq!(read(&fixture, &keys, "NAME").await?.expose(), new);
    Ok(())
}

#[tokio::test]
async fn version_of_a_team_mount_is_requested_once() -> Result<()> {
    let fixture = fixture().await?;
    let spec = FixtureSpec { under: Some("teams/once".to_owned()), ..FixtureSpec::default() };
    let team = Server::shared().await?.fixture_with(spec).await?;
    let rules =
        format!(r#"path "{}/*" {{ capabilities = ["create", "read", "update"] }}"#, team.mount);
    let policy = format!("sys/policies/acl/{}", fixture.policy);
    fixture.server().must("PUT", &policy, json!({ "policy": rules })).await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let keys = keys_through(&relay, &fixture).await?;
    let settings = json!({ "mount": team.mount }).to_string();
    let settings = TeamSettings::from_json(&settings, &VaultValidator)?;
    for alias in ["a", "b", "c"] {
        // Created for each key, as a gateway does.
        store(&keys.virtual_keys(Some(&settings))?, alias, &secret("key")).await?;
    }
    // The login, the request for the mount's version, and one request per key.
    assert_eq!(relay.requests(), 5);
    assert!(keys.has_sent_change());
    Ok(())
}

#[tokio::test]
async fn concurrent_stores_of_the_same_key_are_one_version() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &STORES).await?;
    let value = secret("key");
    let mut writers = JoinSet::new();
    for _ in 0..32 {
        let (of, value) = (keys.virtual_keys(None)?, value.clone());
        writers.spawn(async move { store(&of, "alias", &value).await });
    }
    while let Some(version) = writers.join_next().await {
        assert_eq!(version??, 1);
    }
    assert_eq!(fixture.get("litellm/alias").await?.1["data"]["metadata"]["version"], 1);
    Ok(())
}

#[tokio::test]
async fn concurrent_writers_get_the_true_outcome() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &STORES).await?;
    let mut writers = JoinSet::new();
    for _ in 0..32 {
        let (of, value) = (keys.virtual_keys(None)?, secret("key"));
        writers.spawn(async move {
            let stored = of.store(&KeyAlias::new("alias")?, value.as_str().into(), None).await;
            anyhow::Ok((value, stored))
        });
    }
    let mut reported = 0;
    while let Some(outcome) = writers.join_next().await {
        let (value, stored) = outcome??;
        let number = match stored {
            Ok(stored) => version(stored)?,
            Err(error) => {
                shows_nothing(&fixture, &error);
                assert_eq!(error.kind(), ErrorKind::Conflict);
                continue;
            }
        };
        let path = format!("{}/data/litellm/alias?version={number}", fixture.mount);
        let there = fixture.server().must("GET", &path, None).await?;
        assert_eq!(there["data"]["data"]["key"], json!(value), "version {number}");
        reported += 1;
    }
    let latest = fixture.get("litellm/alias").await?.1["data"]["metadata"]["version"].clone();
    assert_eq!(latest, reported, "as many versions as were reported");
    Ok(())
}

#[tokio::test]
async fn thousand_keys_are_stored_concurrently() -> Result<()> {
    const KEYS: usize = 1_000;
    let fixture = fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let of = keys_through(&relay, &fixture).await?.virtual_keys(None)?;
    let value = secret("key");
    store(&of, "first", &value).await?;
    let (before, in_flight) = (relay.requests(), Arc::new(Semaphore::new(64)));
    let mut writers = JoinSet::new();
    for number in 0..KEYS {
        let (of, value, in_flight) = (of.clone(), value.clone(), Arc::clone(&in_flight));
        writers.spawn(async move {
            let _place = in_flight.acquire().await?;
            store(&of, &format!("many/{number:04}"), &value).await
        });
    }
    while let Some(version) = writers.join_next().await {
        assert_eq!(version??, 1);
    }
    assert_eq!(relay.requests() - before, KEYS, "one request a key");
    let listed = of.list().await?;
    let many = listed.live().filter(|alias| alias.as_str().starts_with("many/"));
    assert_eq!(many.count(), KEYS);
    Ok(())
}

#[tokio::test]
async fn store_with_a_lost_response_is_settled() -> Result<()> {
    let fixture = fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let of = keys_through(&relay, &fixture).await?.virtual_keys(None)?;
    let value = secret("key");
    store(&of, "warm", &value).await?;
    relay.delay_next_write();
    let stored = store(&of, "alias", &value).await.context("the second copy settles it")?;
    ensure!(stored == 1, "version {stored}");
    assert_eq!(fixture.get("litellm/alias").await?.1["data"]["metadata"]["version"], 1);
    Ok(())
}
