//! What is cached, and what invalidates it.

use std::collections::BTreeMap;

use anyhow::Result;
use km_proxy_adapter::{ErrorKind, KeyManager, Source, VaultValidator, WriteOptions};
use km_settings::{Settings, Sources};
use serde_json::json;
use testkit::{Fixture, Server, secret};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

use super::{fails, keys, read};
use crate::product::{environment, until, variables};

const WRITER: (&str, &str) = ("KM_ACCESS_MODE", "read_and_write");

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

#[tokio::test]
async fn second_read_is_from_the_cache() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[]).await?;
    let [first, second] = [secret("first"), secret("second")];
    fixture.put("NAME", json!({ "key": first })).await?;
    for source in [Source::Vault, Source::Cache, Source::Cache] {
        let value = read(&fixture, &keys, "NAME").await?;
        assert_eq!((value.expose(), value.source()), (first.as_str(), source));
        assert_eq!(value.version(), Some(1));
        // A write of another client is visible after the interval.
        fixture.put("NAME", json!({ "key": second })).await?;
    }
    // A clone shares the cache; another key manager has its own.
    assert_eq!(read(&fixture, &keys.clone(), "NAME").await?.expose(), first);
    let other = super::keys(&fixture, &[]).await?;
    assert_eq!(read(&fixture, &other, "NAME").await?.expose(), second);
    Ok(())
}

#[tokio::test]
async fn many_readers_of_one_name_send_one_request() -> Result<()> {
    let fixture = fixture().await?;
    let value = secret("value");
    fixture.put("NAME", json!({ "key": value })).await?;
    // The first request uses the token up.
    let token = fixture.token(json!({ "ttl": "5m", "num_uses": 1 })).await?;
    let mut env = environment(&fixture);
    env.extend(variables(&[("KM_AUTH_METHOD", "token"), ("HCP_VAULT_TOKEN", token.as_str())]));
    let sources = Sources { env: &env, yaml: None, validator: &VaultValidator };
    let nothing = BTreeMap::<String, String>::new();
    let keys = KeyManager::connect_once(Settings::from_sources(&sources)?, nothing)?;
    let mut readers = JoinSet::new();
    for _ in 0..500 {
        let keys = keys.clone();
        readers.spawn(async move { keys.secret("NAME").await });
    }
    while let Some(read) = readers.join_next().await {
        assert_eq!(read??.expose(), value);
    }
    assert_eq!(read(&fixture, &keys, "NAME").await?.source(), Source::Cache);
    fixture.put("OTHER", json!({ "key": value })).await?;
    fails(&fixture, &keys, "OTHER", ErrorKind::Auth).await
}

#[tokio::test]
async fn value_past_the_interval_is_read_again() -> Result<()> {
    let fixture = fixture().await?;
    // The last tenth of this interval is enough for a refresh, even on a loaded machine.
    let keys = keys(&fixture, &[("HCP_VAULT_REFRESH_INTERVAL", "3s")]).await?;
    let [first, second] = [secret("first"), secret("second")];
    fixture.put("NAME", json!({ "key": first })).await?;
    assert_eq!(read(&fixture, &keys, "NAME").await?.expose(), first);
    fixture.put("NAME", json!({ "key": second })).await?;
    until("the new value", async || {
        let value = read(&fixture, &keys, "NAME").await?;
        assert!([Source::Vault, Source::Cache].contains(&value.source()), "{value:?}");
        Ok(value.expose() == second && value.version() == Some(2))
    })
    .await
}

#[tokio::test]
async fn interval_of_zero_disables_the_cache() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[("HCP_VAULT_REFRESH_INTERVAL", "0")]).await?;
    fails(&fixture, &keys, "NAME", ErrorKind::NotFound).await?;
    for version in 1..=3 {
        let value = secret("value");
        fixture.put("NAME", json!({ "key": value })).await?;
        let found = read(&fixture, &keys, "NAME").await?;
        assert_eq!((found.expose(), found.source()), (value.as_str(), Source::Vault));
        assert_eq!(found.version(), Some(version));
    }
    Ok(())
}

#[tokio::test]
async fn write_and_deletion_invalidate_the_cache() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    fixture.put("NAME", json!({ "key": secret("first") })).await?;
    read(&fixture, &keys, "NAME").await?;
    for version in 2..=3 {
        let value = secret("value");
        let options = WriteOptions::default();
        keys.write("NAME", value.clone().into(), &options).await?;
        let found = read(&fixture, &keys, "NAME").await?;
        assert_eq!((found.expose(), found.source()), (value.as_str(), Source::Vault));
        assert_eq!(found.version(), Some(version));
    }
    keys.delete("NAME").await?;
    fails(&fixture, &keys, "NAME", ErrorKind::NotFound).await
}

#[tokio::test]
async fn invalidated_name_is_read_again() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[]).await?;
    fixture.put("NAME", json!({ "key": secret("first") })).await?;
    read(&fixture, &keys, "NAME").await?;
    for reference in ["NAME", "os.environ/NAME"] {
        let value = secret("value");
        fixture.put("NAME", json!({ "key": value })).await?;
        keys.invalidate(reference)?;
        let found = read(&fixture, &keys, "NAME").await?;
        assert_eq!((found.expose(), found.source()), (value.as_str(), Source::Vault));
    }
    let refused = keys.invalidate("../NAME").map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::Usage));
    Ok(())
}

#[tokio::test]
async fn negative_response_is_cached_for_five_seconds_at_most() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[]).await?;
    let asked = Instant::now();
    fails(&fixture, &keys, "NAME", ErrorKind::NotFound).await?;
    let answered = Instant::now();
    fixture.put("NAME", json!({ "key": secret("value") })).await?;
    let again = keys.secret("NAME").await;
    if asked.elapsed() < Duration::from_secs(4) {
        assert_eq!(again.map_err(|error| error.kind()).map(drop), Err(ErrorKind::NotFound));
    }
    let mut last_no = answered;
    until("the value fallback_env the no", async || {
        let now = Instant::now();
        let found = keys.secret("NAME").await.is_ok();
        last_no = if found { last_no } else { now };
        Ok(found)
    })
    .await?;
    let remembered = last_no - answered;
    assert!(remembered <= Duration::from_secs(5), "{remembered:?}");
    Ok(())
}

#[tokio::test]
async fn write_ends_a_negative_entry_at_once() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    fails(&fixture, &keys, "NAME", ErrorKind::NotFound).await?;
    let value = secret("value");
    keys.write("NAME", value.clone().into(), &WriteOptions::default()).await?;
    assert_eq!(read(&fixture, &keys, "NAME").await?.expose(), value);
    Ok(())
}

#[tokio::test]
async fn negative_response_ends_serving() -> Result<()> {
    let denied = |mount: &str| format!(r#"path "{mount}/*" {{ capabilities = ["deny"] }}"#);
    for (what, expected) in [
        ("delete", ErrorKind::NotFound),
        ("destroy", ErrorKind::NotFound),
        ("deny", ErrorKind::Denied),
        ("overwrite", ErrorKind::StoredValue),
    ] {
        let fixture = fixture().await?;
        // Long past the interval it could only be served if Vault were unavailable.
        let settings = [("HCP_VAULT_REFRESH_INTERVAL", "200ms"), ("KM_MAX_STALE", "1h")];
        let keys = keys(&fixture, &settings).await?;
        fixture.put("NAME", json!({ "key": secret("value") })).await?;
        read(&fixture, &keys, "NAME").await?;
        let (server, mount) = (fixture.server(), &fixture.mount);
        match what {
            "delete" => drop(server.must("DELETE", &format!("{mount}/data/NAME"), None).await?),
            "destroy" => {
                let location = format!("{mount}/destroy/NAME");
                server.must("POST", &location, json!({ "versions": [1] })).await?;
            }
            "deny" => {
                let location = format!("sys/policies/acl/{}", fixture.policy);
                server.must("PUT", &location, json!({ "policy": denied(mount) })).await?;
            }
            _ => drop(fixture.put("NAME", json!({ "key": 42 })).await?),
        }
        let mut last = None;
        until(what, async || {
            last = read(&fixture, &keys, "NAME").await.err().map(|error| error.kind());
            Ok(last.is_some())
        })
        .await?;
        assert_eq!(last, Some(expected), "{what}");
        fails(&fixture, &keys, "NAME", expected).await?;
    }
    Ok(())
}
