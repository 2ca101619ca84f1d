//! An unavailable server: cached values are served, for a bounded time.

use anyhow::Result;
use km_proxy_adapter::{ErrorKind, Source};
use serde_json::json;
use testkit::{Server, secret};
use tokio::time::{Duration, Instant, sleep};

use super::{fails, keys, keys_before, read};
use crate::product::{until, variables};
use crate::relay::Relay;

#[tokio::test]
async fn cached_value_is_served_in_an_outage_within_bounds() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("NAME", json!({ "key": first })).await?;
    let fallback_env = variables(&[("NAME", "the environment's"), ("OTHER", "the environment's")]);
    let with = async |interval: &str, max_stale: &str| {
        let settings = [("HCP_VAULT_REFRESH_INTERVAL", interval), ("KM_MAX_STALE", max_stale)];
        let keys = keys_before(&fixture, &settings, fallback_env.clone()).await?;
        assert_eq!(read(&fixture, &keys, "NAME").await?.source(), Source::Vault);
        anyhow::Ok(keys)
    };
    let fresh = with("86400", "0s").await?;
    let stale = with("1s", "1h").await?;
    let ended = with("1s", "500ms").await?;
    server.kill().await?;

    // Within the interval nothing changes.
    let value = read(&fixture, &fresh, "NAME").await?;
    assert_eq!((value.expose(), value.source()), (first.as_str(), Source::Cache));

    // Past it the value is served, and its source and age show that.
    until("a stale value", async || {
        let value = read(&fixture, &stale, "NAME").await?;
        assert_eq!((value.expose(), value.version()), (first.as_str(), Some(1)));
        let is_stale = value.source() == Source::Stale;
        assert!(!is_stale || value.age().is_some_and(|age| age.as_secs() >= 1), "{value:?}");
        Ok(is_stale)
    })
    .await?;

    // After `max_stale` there is an error, and no fallback to the environment.
    until("the end of serving", async || Ok(ended.secret("NAME").await.is_err())).await?;
    fails(&fixture, &ended, "NAME", ErrorKind::Unavailable).await?;
    // A value that was never read cannot be served, and it is not known to be missing.
    for keys in [&fresh, &stale, &ended] {
        fails(&fixture, keys, "OTHER", ErrorKind::Unavailable).await?;
    }

    server.start().await?;
    server.unseal().await?;
    fixture.put("NAME", json!({ "key": second })).await?;
    for keys in [&stale, &ended] {
        until("the new value", async || {
            Ok(keys
                .secret("NAME")
                .await
                .is_ok_and(|value| value.expose() == second && value.source() != Source::Stale))
        })
        .await?;
    }
    Ok(())
}

/// A hundred names that are read continuously and due every second. While the server is sealed, it
/// gets one request a second for all of them.
#[tokio::test]
async fn sealed_server_gets_one_probe_a_second_for_all_names() -> Result<()> {
    const NAMES: usize = 100;
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    let relay = Relay::to(server.address(), "").await?;
    let settings = [
        ("HCP_VAULT_ADDR", relay.address()),
        ("HCP_VAULT_REFRESH_INTERVAL", "1s"),
        ("KM_MAX_STALE", "1h"),
    ];
    let keys = keys(&fixture, &settings).await?;
    let names: Vec<_> = (0..NAMES).map(|number| format!("NAME_{number}")).collect();
    for name in &names {
        fixture.put(name, json!({ "key": value })).await?;
        read(&fixture, &keys, name).await?;
    }
    let all_are_stale = async || {
        let mut stale = 0;
        for name in &names {
            let found = keys.secret(name).await?;
            assert_eq!(found.expose(), value);
            stale += usize::from(found.source() == Source::Stale);
        }
        anyhow::Ok(stale == NAMES)
    };
    server.seal().await?;
    until("all of them stale", async || all_are_stale().await).await?;

    let (begin, before) = (Instant::now(), relay.requests());
    while begin.elapsed() < Duration::from_secs(5) {
        assert!(all_are_stale().await?, "what can't be asked for is served stale");
        sleep(Duration::from_millis(10)).await;
    }
    let (asked, elapsed) = (relay.requests() - before, begin.elapsed());
    assert!(asked >= 2, "{asked} probes in {elapsed:?}: the end of the outage would go unnoticed");
    // The first and the last request may be at the edges of the period.
    assert!(asked as u64 <= elapsed.as_secs() + 1, "{asked} probes in {elapsed:?}");

    server.unseal().await?;
    for name in &names {
        until("a fresh value", async || Ok(keys.secret(name).await?.source() == Source::Cache))
            .await?;
    }
    Ok(())
}
