//! The limit of the size of a value, which fits into an entry of integrated storage.

use anyhow::Result;
use secrecy::ExposeSecret as _;
use testkit::{Server, secret};
use vault_auth::{Auth, StaticToken};
use vault_http::Session;
use vault_kv::{Cas, ErrorKind, Kv, MAX_VALUE_BYTES, Mount};

use super::{engine, fails, fields};
use crate::product::{Silence, approle, auth, client, path, tls_client, value};

#[tokio::test]
async fn value_above_768_kib_is_rejected_before_it_is_sent() -> Result<()> {
    let (fixture, _) = engine().await?;
    let silence = Silence::new()?;
    let tokens = auth(&fixture, StaticToken::new(value(&secret("token"))))?;
    let session = Session::new(client(&silence.address()?)?, tokens);
    let kv = Kv::new(session, Mount::new("secret")?);
    let (most, more) = ("x".repeat(MAX_VALUE_BYTES), "x".repeat(MAX_VALUE_BYTES + 1));
    for pairs in [
        &[("key", more.as_str())][..],
        &[("key", "small"), ("more", &more)],
        &[("key", &most), ("second", &most)],
        // Within the limit, and twice as large once it is escaped in JSON.
        &[("key", &"\"".repeat(MAX_VALUE_BYTES))],
    ] {
        let new = fields(pairs);
        let (written, patched) = (
            kv.write(&path("name")?, &new, Cas::Any).await,
            kv.patch(&path("name")?, &new, Cas::Any).await,
        );
        fails(&fixture, ErrorKind::TooLarge, written)?;
        fails(&fixture, ErrorKind::TooLarge, patched)?;
    }
    silence.expect_nobody()
}

#[tokio::test]
async fn value_of_768_kib_is_stored_by_integrated_storage() -> Result<()> {
    let server = Server::tls().await?;
    let fixture = server.fixture().await?;
    let client = tls_client(server)?.build()?;
    let auth = Auth::new(client.clone(), approle(&fixture)?);
    let kv = Kv::new(Session::new(client, auth), Mount::new(&fixture.mount)?);
    for text in ["x".repeat(MAX_VALUE_BYTES), "\n".repeat(499 * 1024), "é".repeat(380 * 1024)] {
        let written = kv.write(&path("name")?, &fields(&[("key", &text)]), Cas::Any).await?;
        let read = kv.read(&path("name")?).await?;
        assert_eq!(read.metadata.version, written.version);
        assert_eq!(read.fields.text("key")?.expose_secret(), text);
        let stored = fixture.get("name").await?.1;
        assert_eq!(stored["data"]["data"]["key"], text);
    }
    // The server rejects a request that it makes larger itself.
    let grows = fields(&[("key", &"<".repeat(MAX_VALUE_BYTES))]);
    fails(&fixture, ErrorKind::TooLarge, kv.write(&path("name")?, &grows, Cas::Any).await).map(drop)
}
