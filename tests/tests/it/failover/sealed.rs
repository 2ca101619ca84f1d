//! A server that is sealed during reads and then unsealed.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{FixtureSpec, Server};
use tokio::time::{Instant, sleep};
use vault_http::{DEFAULT_DEADLINE, ErrorKind as Http};
use vault_kv::{Cas, ErrorKind, Fields};

use super::{POLL, kv_through};
use crate::product::{figure, path};

#[tokio::test]
async fn sealed_server_is_reported_and_the_token_remains_valid() -> Result<()> {
    let mut server = Server::dedicated().await?;
    // A second login would be refused.
    let role = json!({ "secret_id_num_uses": 1 });
    let spec = FixtureSpec { role: Some(role), ..FixtureSpec::default() };
    let fixture = server.fixture_with(spec).await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let kv = kv_through(server.address(), &fixture, DEFAULT_DEADLINE)?;
    let name = path("name")?;
    assert_eq!(kv.read(&name).await?.metadata.version, 1);

    server.seal().await?;
    for _ in 0..50 {
        let error = kv.read(&name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exchange(Http::Sealed), "{error}");
        fixture.watch.error(&error);
        let error = kv.write(&name, &Fields::new(), Cas::Version(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exchange(Http::Sealed), "{error}");
    }
    let read = fixture.km().args(["read", "name"]).run().await?.expect(4)?;
    assert_eq!(read.stdout, b"", "{}", read.stderr);

    server.unseal().await?;
    let unsealed = Instant::now();
    while kv.read(&name).await.is_err() {
        assert!(unsealed.elapsed() < Duration::from_secs(20), "no read works");
        sleep(POLL).await;
    }
    let took = unsealed.elapsed();
    figure(&format!("a read works {took:?} after the unsealing"));
    assert!(took <= Duration::from_secs(1), "{took:?}");
    assert_eq!(kv.read(&name).await?.metadata.version, 1);
    Ok(())
}
