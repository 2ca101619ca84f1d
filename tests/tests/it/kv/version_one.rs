//! A KV engine of version 1, which takes `data/name` for a name. It is recognized, and never
//! written to.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Engine, Fixture, FixtureSpec, Server, secret};
use vault_kv::{Cas, ErrorKind, Kv, MetadataUpdate, MountVersion};

use super::{fails, fields};
use crate::product::{kv, path};

async fn engine() -> Result<(Fixture, Kv)> {
    let spec = FixtureSpec { engine: Engine::V1, ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let kv = kv(&fixture)?;
    Ok((fixture, kv))
}

/// Returns all names in the top folder of the mount, with a client of its own.
async fn names(fixture: &Fixture) -> Result<Value> {
    let (_, answer) = fixture.server().api("LIST", &fixture.mount, None).await?;
    Ok(answer["data"]["keys"].clone())
}

#[tokio::test]
async fn miss_on_a_version_1_mount_is_wrong_kv_version() -> Result<()> {
    let (fixture, kv) = engine().await?;
    fixture
        .server()
        .must("POST", &format!("{}/name", fixture.mount), json!({ "key": "v" }))
        .await?;
    for _ in 0..2 {
        fails(&fixture, ErrorKind::WrongKvVersion, kv.read(&path("name")?).await)?;
    }
    fails(&fixture, ErrorKind::WrongKvVersion, kv.read(&path("nothing")?).await)?;
    fails(&fixture, ErrorKind::WrongKvVersion, kv.list(None).await)?;
    assert_eq!(kv.mount_version().await?, MountVersion::V1);
    fails(&fixture, ErrorKind::WrongKvVersion, kv.require_v2(kv.mount_version().await?)).map(drop)
}

#[tokio::test]
async fn version_1_mount_is_never_written_to() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let name = path("name")?;
    let expected = ErrorKind::WrongKvVersion;
    let new = fields(&[("key", &secret("value"))]);
    let metadata = MetadataUpdate::default();
    fails(&fixture, expected, kv.write(&name, &new, Cas::Any).await)?;
    fails(&fixture, expected, kv.write(&name, &new, Cas::Version(0)).await)?;
    fails(&fixture, expected, kv.patch(&name, &new, Cas::Any).await)?;
    fails(&fixture, expected, kv.delete_latest(&name).await)?;
    fails(&fixture, expected, kv.delete_versions(&name, &[1]).await)?;
    fails(&fixture, expected, kv.undelete(&name, &[1]).await)?;
    fails(&fixture, expected, kv.destroy(&name, &[1]).await)?;
    fails(&fixture, expected, kv.put_metadata(&name, &metadata).await)?;
    fails(&fixture, expected, kv.patch_metadata(&name, &metadata).await)?;
    fails(&fixture, expected, kv.delete_metadata(&name).await)?;
    assert_eq!(names(&fixture).await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn version_1_secret_that_imitates_version_2_is_never_written_to() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let value = secret("value");
    let place = format!("{}/data/name", fixture.mount);
    for content in [
        json!({ "key": value }),
        json!({ "data": { "key": value } }),
        json!({ "data": { "key": value }, "metadata": null }),
        json!({ "data": null }),
    ] {
        fixture.server().must("POST", &place, content.clone()).await?;
        fails(&fixture, ErrorKind::WrongKvVersion, kv.read(&path("name")?).await)?;
        let new = fields(&[("key", &secret("value"))]);
        let written = kv.write(&path("name")?, &new, Cas::Any).await;
        fails(&fixture, ErrorKind::WrongKvVersion, written)?;
        assert_eq!(fixture.server().must("GET", &place, None).await?["data"], content);
    }
    // A complete imitation is read, and still not written to.
    let metadata = json!({ "version": 7, "created_time": "2026-01-01T00:00:00Z" });
    let copy = json!({ "data": { "key": value }, "metadata": metadata });
    fixture.server().must("POST", &place, copy.clone()).await?;
    let read = kv.read(&path("name")?).await;
    assert!(read.is_ok_and(|secret| secret.metadata.version == 7));
    let new = fields(&[("key", &secret("value"))]);
    fails(
        &fixture,
        ErrorKind::WrongKvVersion,
        kv.write(&path("name")?, &new, Cas::Version(7)).await,
    )?;
    assert_eq!(fixture.server().must("GET", &place, None).await?["data"], copy);
    Ok(())
}
