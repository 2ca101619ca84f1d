//! A write that reaches the server long after the product gave up waiting for its response, because
//! the leader was suspended or the network was slow.

use anyhow::Result;
use serde_json::json;
use testkit::Server;
use vault_http::DEFAULT_DEADLINE;
use vault_kv::{Cas, Fields};

use super::kv_through;
use crate::product::path;
use crate::relay::Relay;

#[tokio::test]
async fn delayed_write_that_was_sent_again_is_reported_as_stored() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let kv = kv_through(relay.address(), &fixture, DEFAULT_DEADLINE)?;
    let name = path("name")?;
    let fields = |value: &str| Fields::new().with("key", value);
    kv.write(&name, &fields("first"), Cas::Version(0)).await?;

    relay.delay_next_write();
    let written = kv.write(&name, &fields("second"), Cas::Version(1)).await;
    let (_, stored) = fixture.get("name").await?;
    assert_eq!(stored["data"]["data"]["key"], json!("second"));
    assert_eq!(stored["data"]["metadata"]["version"], 2);
    assert_eq!(written?.version, 2);
    Ok(())
}
