//! The client of a KV engine of version 1.

use std::sync::Arc;

use anyhow::Result;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use testkit::{Engine, Fixture, FixtureSpec, Server, secret};
use vault_http::Session;
use vault_kv::{ErrorKind, Fields, KvV1, ListEntry, Mount, MountVersion, Value};

use super::{exposed, fails};
use crate::product::{approle, auth, client, path};

async fn engine(engine: Engine) -> Result<(Fixture, KvV1)> {
    let spec = FixtureSpec { engine, ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let tokens = auth(&fixture, approle(&fixture)?)?;
    let session = Session::new(client(fixture.server().address())?, Arc::new(tokens));
    let kv = KvV1::new(session, Mount::new(&fixture.mount)?);
    Ok((fixture, kv))
}

/// Returns the fields of a secret, read by a client with its own encoding.
async fn stored(fixture: &Fixture, name: &str) -> Result<(u16, Json)> {
    let place = format!("{}/{name}", fixture.mount);
    let (status, mut answer) = fixture.server().api("GET", &place, None).await?;
    Ok((status, answer["data"].take()))
}

#[tokio::test]
async fn version_1_secret_is_written_read_listed_and_deleted() -> Result<()> {
    let (fixture, kv) = engine(Engine::V1).await?;
    let (name, value) = (path("folder/na me")?, secret("value"));
    fails(&fixture, ErrorKind::NotFound, kv.read(&name).await)?;
    assert_eq!(kv.list(None).await?, []);

    let list = Value::list(["a".into(), Value::null()]);
    let new = Fields::new().with("key", value.as_str()).with("n", 42).with("list", list);
    kv.write(&name, &new).await?;
    assert_eq!(stored(&fixture, "folder/na%20me").await?, (200, exposed(&new)?));
    let read = kv.read(&name).await?;
    fixture.watch.debug(&read);
    assert_eq!(read.text("key")?.expose_secret(), value);
    assert!(read.same_as(&new));
    assert_eq!(kv.list(None).await?, [ListEntry::new("folder/")]);
    assert_eq!(kv.list(Some(&path("folder")?)).await?, [ListEntry::new("na me")]);
    assert_eq!(kv.mount_version().await?, MountVersion::V1);

    // A write replaces all fields.
    let replaced = Fields::new().with("other", "v");
    kv.write(&name, &replaced).await?;
    assert_eq!(stored(&fixture, "folder/na%20me").await?, (200, exposed(&replaced)?));

    kv.delete(&name).await?;
    assert_eq!(stored(&fixture, "folder/na%20me").await?.0, 404);
    fails(&fixture, ErrorKind::NotFound, kv.read(&name).await)?;
    kv.delete(&name).await?;
    let empty = kv.write(&name, &Fields::new()).await;
    let rejected = ErrorKind::Exchange(vault_http::ErrorKind::Rejected);
    let error = fails(&fixture, rejected, empty)?;
    assert_eq!(error.vault_messages(), ["missing data fields"]);
    Ok(())
}

#[tokio::test]
async fn version_1_secret_is_written_and_read_as_a_type() -> Result<()> {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Limits {
        requests: u32,
        models: Vec<String>,
    }
    let (_fixture, kv) = engine(Engine::V1).await?;
    let limits = Limits { requests: 10, models: vec!["a".into(), "b\n".into()] };
    kv.write_value(&path("limits")?, &limits).await?;
    assert_eq!(kv.read_as::<Limits>(&path("limits")?).await?, limits);
    Ok(())
}

#[tokio::test]
async fn version_1_client_refuses_a_version_2_mount() -> Result<()> {
    let (fixture, kv) = engine(Engine::V2).await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let expected = ErrorKind::WrongKvVersion;
    let new = Fields::new().with("key", "new");
    // Names that the version 2 engine would take for its own endpoints.
    for name in ["name", "data/name", "metadata/name", "delete/name", "nothing"] {
        let name = path(name)?;
        fails(&fixture, expected, kv.read(&name).await)?;
        fails(&fixture, expected, kv.list(Some(&name)).await)?;
        fails(&fixture, expected, kv.write(&name, &new).await)?;
        fails(&fixture, expected, kv.delete(&name).await)?;
    }
    fails(&fixture, expected, kv.list(None).await)?;
    let (_, answer) = fixture.get("name").await?;
    assert_eq!(answer["data"]["data"]["key"], "v");
    assert_eq!(answer["data"]["metadata"]["version"], 1);
    Ok(())
}

#[tokio::test]
async fn version_1_client_notices_that_its_mount_was_upgraded() -> Result<()> {
    let (fixture, kv) = engine(Engine::V1).await?;
    let new = Fields::new().with("key", "v");
    kv.write(&path("name")?, &new).await?;
    let tune = format!("sys/mounts/{}/tune", fixture.mount);
    fixture.server().must("POST", &tune, json!({ "options": { "version": "2" } })).await?;
    fixture.server().until_ok(&format!("{}/data/name", fixture.mount)).await?;

    let expected = ErrorKind::WrongKvVersion;
    fails(&fixture, expected, kv.read(&path("name")?).await)?;
    fails(&fixture, expected, kv.write(&path("name")?, &new).await)?;
    fails(&fixture, expected, kv.delete(&path("metadata/name")?).await)?;
    assert_eq!(fixture.get("name").await?.1["data"]["data"]["key"], "v");
    Ok(())
}
