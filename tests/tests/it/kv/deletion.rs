//! Deleting, undeleting and destroying versions.

use anyhow::Result;
use serde_json::json;
use testkit::Fixture;
use vault_kv::{ErrorKind, Kv};

use super::{engine, fails};
use crate::product::path;

/// Verifies the state of each of three versions, in a read and in the server's metadata.
async fn check((fixture, kv): (&Fixture, &Kv), expected: [Option<ErrorKind>; 3]) -> Result<()> {
    let place = format!("{}/metadata/name", fixture.mount);
    let metadata = fixture.server().must("GET", &place, None).await?;
    for (version, expected) in (1_u64..).zip(expected) {
        let state = &metadata["data"]["versions"][version.to_string()];
        let by_server = match (state["destroyed"] == true, state["deletion_time"] == "") {
            (true, _) => Some(ErrorKind::Destroyed),
            (false, false) => Some(ErrorKind::Deleted),
            (false, true) => None,
        };
        assert_eq!(by_server, expected, "version {version}: {state}");
        let read = kv.read_version(&path("name")?, version).await;
        match expected {
            None => assert_eq!(read?.metadata.version, version),
            Some(kind) => {
                assert_eq!(fails(fixture, kind, read)?.version(), Some(version));
            }
        }
    }
    let latest = kv.read(&path("name")?).await;
    match expected[2] {
        None => assert_eq!(latest?.metadata.version, 3),
        Some(kind) => assert_eq!(fails(fixture, kind, latest)?.version(), Some(3)),
    }
    Ok(())
}

async fn three_versions() -> Result<(Fixture, Kv)> {
    let (fixture, kv) = engine().await?;
    for value in 1..=3 {
        fixture.put("name", json!({ "key": value.to_string() })).await?;
    }
    Ok((fixture, kv))
}

#[tokio::test]
async fn versions_that_are_deleted_undeleted_or_destroyed_are_read_as_such() -> Result<()> {
    let (fixture, kv) = three_versions().await?;
    let name = path("name")?;
    let (there, deleted, destroyed) = (None, Some(ErrorKind::Deleted), Some(ErrorKind::Destroyed));
    check((&fixture, &kv), [there, there, there]).await?;
    kv.delete_latest(&name).await?;
    check((&fixture, &kv), [there, there, deleted]).await?;
    kv.delete_versions(&name, &[1, 2]).await?;
    check((&fixture, &kv), [deleted, deleted, deleted]).await?;
    kv.undelete(&name, &[1, 3]).await?;
    check((&fixture, &kv), [there, deleted, there]).await?;
    kv.destroy(&name, &[2, 3]).await?;
    check((&fixture, &kv), [there, destroyed, destroyed]).await?;
    kv.undelete(&name, &[2, 3]).await?;
    check((&fixture, &kv), [there, destroyed, destroyed]).await
}

#[tokio::test]
async fn delete_of_an_absent_secret_succeeds_and_changes_nothing() -> Result<()> {
    let (fixture, kv) = engine().await?;
    kv.delete_latest(&path("nothing")?).await?;
    assert_eq!(fixture.get("nothing").await?.0, 404);
    fails(&fixture, ErrorKind::NotFound, kv.read(&path("nothing")?).await).map(drop)
}

#[tokio::test]
async fn version_with_a_deletion_time_in_the_future_is_read() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let place = format!("{}/metadata/name", fixture.mount);
    fixture.server().must("POST", &place, json!({ "delete_version_after": "1h" })).await?;
    let data = fixture.put("name", json!({ "key": "v" })).await?;
    let secret = kv.read(&path("name")?).await?;
    let deletion = secret.metadata.deletion_time;
    assert!(deletion.is_some());
    assert_eq!(json!(deletion), data["deletion_time"]);
    Ok(())
}
