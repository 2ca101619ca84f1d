//! A server that is gone: what was read before is served, within its bounds and no longer.

use anyhow::Result;
use km_proxy_adapter::{Kind, Source};
use serde_json::json;
use tests::{Server, secret};

use super::{fails, keys_before, read};
use crate::product::{until, variables};

#[tokio::test]
async fn what_was_read_outlives_the_server_within_bounds() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("NAME", json!({ "key": first })).await?;
    let behind = variables(&[("NAME", "the environment's"), ("OTHER", "the environment's")]);
    let with = async |interval: &str, max_stale: &str| {
        let settings = [("HCP_VAULT_REFRESH_INTERVAL", interval), ("KM_MAX_STALE", max_stale)];
        let keys = keys_before(&fixture, &settings, behind.clone()).await?;
        assert_eq!(read(&fixture, &keys, "NAME").await?.source(), Source::Vault);
        anyhow::Ok(keys)
    };
    let fresh = with("86400", "0s").await?;
    let stale = with("1s", "1h").await?;
    let ended = with("1s", "500ms").await?;
    server.kill().await?;

    // Within the interval: as if nothing had happened.
    let value = read(&fixture, &fresh, "NAME").await?;
    assert_eq!((value.expose(), value.source()), (first.as_str(), Source::Cache));

    // Past it: served, and its source and age say so.
    until("a stale value", async || {
        let value = read(&fixture, &stale, "NAME").await?;
        assert_eq!((value.expose(), value.version()), (first.as_str(), Some(1)));
        let is_stale = value.source() == Source::Stale;
        assert!(!is_stale || value.age().is_some_and(|age| age.as_secs() >= 1), "{value:?}");
        Ok(is_stale)
    })
    .await?;

    // Past its right to be served: the error, and not what the environment has.
    until("the end of serving", async || Ok(ended.secret("NAME").await.is_err())).await?;
    fails(&fixture, &ended, "NAME", Kind::Unavailable).await?;
    // What was never read can't be served; that Vault lacks it is not certain.
    for keys in [&fresh, &stale, &ended] {
        fails(&fixture, keys, "OTHER", Kind::Unavailable).await?;
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
