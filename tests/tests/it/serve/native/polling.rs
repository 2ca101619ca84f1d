//! A sidecar that notices rotations within `KM_POLL_INTERVAL`.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};
use tokio::time::Instant;

use crate::product::until;
use crate::serve::sidecar::Sidecar;

/// No client requests a refresh, and the refresh interval is the default, a day.
#[tokio::test]
async fn value_written_to_vault_is_served_within_the_poll_interval() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let values = ["first", "second"].map(secret);
    fixture.put("ONE", json!({ "key": values[0] })).await?;
    let sidecar = Sidecar::start(fixture.km().env("KM_POLL_INTERVAL", "1s"), &[]).await?;
    let value = async || -> Result<_> {
        let response = sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?.json()?;
        Ok((response["value"].clone(), response["source"].clone()))
    };
    assert_eq!(value().await?, (json!(values[0]), json!("vault")));
    let status = sidecar.get("/km/v1/status").await?.expect(200)?.json()?;
    let due = status["secrets"][0]["refresh_in_seconds"].as_u64();
    assert!(due.is_some_and(|due| due <= 1), "{status}");

    fixture.put("ONE", json!({ "key": values[1] })).await?;
    let written = Instant::now();
    until("the new value", async || {
        let (value, source) = value().await?;
        assert_eq!(source, "cache", "a client waited");
        Ok(value == json!(values[1]))
    })
    .await?;
    // A loaded machine adds to the interval.
    assert!(written.elapsed() < Duration::from_secs(1 + 8), "{:?}", written.elapsed());
    sidecar.stop().await.map(drop)
}
