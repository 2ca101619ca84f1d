//! A log that cannot be written.

use anyhow::{Context as _, Result};
use serde_json::json;
use testkit::{Server, secret};

use crate::serve::sidecar::Sidecar;

#[tokio::test]
async fn closed_stderr_does_not_disturb_the_sidecar() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for format in ["text", "json"] {
        fixture.put(format, json!({ "key": secret("value") })).await?;
        let km = fixture.km().env("KM_LOG", "trace").args(["--log-format", format]);
        let mut sidecar = Sidecar::start(km, &[]).await?;
        drop(sidecar.running().child().stderr.take().context("no stderr")?);
        let path = format!("/km/v1/secrets/{format}");
        for _ in 0..3 {
            sidecar.get(&path).await?.expect(200)?;
        }
        sidecar.signal("HUP")?;
        sidecar.get(&path).await?.expect(200)?;
        sidecar.stop().await?;
    }
    Ok(())
}
