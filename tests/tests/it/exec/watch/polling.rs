//! Changes that are noticed within `KM_POLL_INTERVAL`.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::program::Watched;

/// The refresh interval is the default, a day.
#[tokio::test]
async fn rotated_value_restarts_the_program_within_the_poll_interval() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let values = ["first", "second"].map(secret);
    fixture.put("ONE", json!({ "key": values[0] })).await?;
    let km = fixture.km().env("KM_POLL_INTERVAL", "1s").args(["exec", "--watch", "--only=ONE"]);
    let mut program = Watched::start(km, "echo \"$ONE\"").await?;
    assert_eq!(program.line().await?, values[0]);
    fixture.put("ONE", json!({ "key": values[1] })).await?;
    assert_eq!(program.line().await?, values[1]);
    program.signal("TERM")?;
    program.wait_for_exit(143).await.map(drop)
}

/// Without a cache there is nothing to compare with.
#[tokio::test]
async fn watch_without_a_cache_is_refused() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = fixture.km().env("HCP_VAULT_REFRESH_INTERVAL", "0").env("KM_POLL_INTERVAL", "1s");
    let output = km.args(["exec", "--watch", "--only=ONE", "--", "true"]).run().await?.expect(2)?;
    for part in ["HCP_VAULT_REFRESH_INTERVAL is 0", "KM_POLL_INTERVAL"] {
        assert!(output.stderr.contains(part), "{}", output.stderr);
    }
    Ok(())
}
