//! Rotations that are noticed within `KM_POLL_INTERVAL`, however long the refresh interval is.

use std::time::Duration;

use anyhow::Result;
use km_proxy_adapter::{KeyManager, Source};
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Server, secret};
use tokio::time::{Instant, sleep, timeout};

use super::{keys, read};
use crate::product::{figure, until};
use crate::relay::Relay;

/// Longer than any wait in these tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time by which a loaded machine may be late.
const SLACK: Duration = Duration::from_secs(8);

/// The refresh interval is the default, a day.
#[tokio::test]
async fn rotation_is_noticed_within_the_poll_interval() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let keys = keys(&fixture, &[("KM_POLL_INTERVAL", "1s")]).await?;
    let values = ["first", "second"].map(secret);
    for name in ["WATCHED", "READ"] {
        fixture.put(name, json!({ "key": values[0] })).await?;
    }
    let mut handle = keys.handle("WATCHED")?;
    assert_eq!(timeout(PATIENCE, handle.changed()).await??.expose(), values[0]);
    assert_eq!(read(&fixture, &keys, "READ").await?.expose(), values[0]);
    for name in ["WATCHED", "READ"] {
        fixture.put(name, json!({ "key": values[1] })).await?;
    }
    let written = Instant::now();
    let changed = timeout(PATIENCE, handle.changed()).await??;
    assert_eq!((changed.expose(), changed.version()), (values[1].as_str(), Some(2)));
    until("the new value", async || {
        let found = read(&fixture, &keys, "READ").await?;
        assert_eq!(found.source(), Source::Cache, "a reader waited");
        Ok(found.expose() == values[1])
    })
    .await?;
    assert!(written.elapsed() < Duration::from_secs(1) + SLACK, "{:?}", written.elapsed());
    Ok(())
}

/// Returns the number of requests while a name is read for this time.
async fn requests_while_read(
    fixture: &Fixture,
    keys: &KeyManager,
    relay: &Relay,
    span: Duration,
) -> Result<usize> {
    read(fixture, keys, "NAME").await?;
    let (begin, before) = (Instant::now(), relay.requests());
    while begin.elapsed() < span {
        assert_eq!(read(fixture, keys, "NAME").await?.source(), Source::Cache);
        sleep(Duration::from_millis(20)).await;
    }
    Ok(relay.requests() - before)
}

/// Each poll takes one use of the token. The time to the next refresh is that of the refresh
/// interval then.
#[tokio::test]
async fn token_with_a_limited_number_of_uses_is_not_used_for_polling() -> Result<()> {
    let limited: Value = json!({ "token_num_uses": 20 });
    for (role, token) in [
        (Some(limited), None),
        (None, Some(json!({ "num_uses": 20, "ttl": "10m" }))),
        (None, Some(json!({ "ttl": "10m" }))),
        (None, None),
    ] {
        let is_limited = role.is_some() || token.as_ref().is_some_and(|t| t["num_uses"] == 20);
        let spec = FixtureSpec { role, ..FixtureSpec::default() };
        let fixture = Server::shared().await?.fixture_with(spec).await?;
        fixture.put("NAME", json!({ "key": secret("value") })).await?;
        let relay = Relay::to(fixture.server().address(), "").await?;
        let mut settings = vec![
            ("HCP_VAULT_ADDR", relay.address()),
            ("HCP_VAULT_REFRESH_INTERVAL", "1h"),
            ("KM_POLL_INTERVAL", "200ms"),
        ];
        let token = match token {
            Some(token) => Some(fixture.token(token).await?),
            None => None,
        };
        if let Some(token) = &token {
            settings.push(("HCP_VAULT_TOKEN", token.as_str()));
            settings.push(("HCP_VAULT_APPROLE_SECRET_ID", ""));
            settings.push(("HCP_VAULT_APPROLE_ROLE_ID", ""));
        }
        let keys = keys(&fixture, &settings).await?;
        let span = Duration::from_secs(3);
        let requests = requests_while_read(&fixture, &keys, &relay, span).await?;
        let status = keys.status().await;
        let due = status.secrets[0].refresh_in.unwrap_or_default();
        let case = format!("{is_limited} {}: {requests} requests, {due:?}", token.is_some());
        if is_limited {
            assert!(requests == 0 && due > Duration::from_secs(3_000), "{case}");
        } else {
            assert!(requests > 2 && due < Duration::from_secs(1), "{case}");
        }
    }
    Ok(())
}

/// The value is within its refresh interval, so that it isn't stale.
#[tokio::test]
async fn failed_polls_do_not_make_a_value_stale() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let settings = [
        ("HCP_VAULT_ADDR", relay.address()),
        ("HCP_VAULT_REFRESH_INTERVAL", "1h"),
        ("KM_POLL_INTERVAL", "500ms"),
    ];
    let keys = keys(&fixture, &settings).await?;
    fixture.put("NAME", json!({ "key": secret("value") })).await?;
    read(&fixture, &keys, "NAME").await?;
    server.seal().await?;
    let span = Duration::from_secs(5);
    let requests = requests_while_read(&fixture, &keys, &relay, span).await?;
    assert!(requests > 0, "it is not polled");
    server.unseal().await?;
    let rotated = secret("rotated");
    fixture.put("NAME", json!({ "key": rotated })).await?;
    until("the new value", async || Ok(read(&fixture, &keys, "NAME").await?.expose() == rotated))
        .await
}

/// Run by `cargo xtask test --slow`.
mod slow {
    use super::*;

    #[tokio::test]
    #[ignore = "takes a minute: cargo xtask test --slow"]
    async fn steady_cost_is_a_read_per_name_and_poll_interval() -> Result<()> {
        const NAMES: usize = 20;
        let fixture = Server::shared().await?.fixture().await?;
        let relay = Relay::to(fixture.server().address(), "").await?;
        let settings = [("HCP_VAULT_ADDR", relay.address()), ("KM_POLL_INTERVAL", "5s")];
        let keys = keys(&fixture, &settings).await?;
        let names: Vec<_> = (0..NAMES).map(|number| format!("NAME_{number}")).collect();
        for name in &names {
            fixture.put(name, json!({ "key": secret("value") })).await?;
            read(&fixture, &keys, name).await?;
        }
        let (begin, before) = (Instant::now(), relay.requests());
        while begin.elapsed() < Duration::from_secs(60) {
            for name in &names {
                read(&fixture, &keys, name).await?;
            }
            sleep(Duration::from_millis(20)).await;
        }
        let requests = relay.requests() - before;
        figure(&format!("{NAMES} names, polled every 5 s: {requests} requests in a minute"));
        // One per interval, or per nine tenths of it, and one that was due at the beginning.
        let (least, most) = (NAMES * 12 - NAMES, NAMES * (60 * 10 / 45 + 1));
        assert!((least..=most).contains(&requests), "{requests} is not in {least}..={most}");
        Ok(())
    }
}
