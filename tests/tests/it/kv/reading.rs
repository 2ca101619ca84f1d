//! Reading the latest and older versions, and listing folders.

use anyhow::Result;
use secrecy::ExposeSecret as _;
use serde_json::json;
use testkit::secret;
use vault_kv::ErrorKind;

use super::{engine, fails};
use crate::product::path;

#[tokio::test]
async fn latest_and_older_versions_are_read() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let values = [secret("first"), secret("second"), secret("third")];
    let mut created = Vec::new();
    for value in &values {
        let data = fixture.put("folder/name", json!({ "key": value, "note": "n" })).await?;
        created.push(data["created_time"].clone());
    }
    let name = path("folder/name")?;
    let check = async |version: Option<u64>, expected: usize| -> Result<()> {
        let secret = match version {
            Some(version) => kv.read_version(&name, version).await?,
            None => kv.read(&name).await?,
        };
        fixture.watch.debug(&secret);
        assert_eq!(secret.fields.text("key")?.expose_secret(), values[expected]);
        assert_eq!(secret.fields.text("note")?.expose_secret(), "n");
        assert_eq!(secret.metadata.version, expected as u64 + 1);
        assert_eq!(json!(secret.metadata.created_time), created[expected]);
        assert_eq!((secret.metadata.deletion_time, secret.metadata.destroyed), (None, false));
        Ok(())
    };
    check(None, 2).await?;
    check(Some(1), 0).await?;
    check(Some(2), 1).await?;
    check(Some(3), 2).await?;
    // For the server, 0 is the latest version.
    check(Some(0), 2).await
}

#[tokio::test]
async fn name_that_was_never_written_is_not_found() -> Result<()> {
    let (fixture, kv) = engine().await?;
    fixture.put("folder/name", json!({ "key": "v" })).await?;
    for name in ["nothing", "folder", "folder/name/below", "Folder/name"] {
        let error = fails(&fixture, ErrorKind::NotFound, kv.read(&path(name)?).await)?;
        assert_eq!(error.version(), None);
        assert_eq!(fixture.get(name).await?.0, 404);
    }
    let missing = kv.read_version(&path("folder/name")?, 2).await;
    fails(&fixture, ErrorKind::NotFound, missing).map(drop)
}

#[tokio::test]
async fn secret_with_metadata_and_no_version_is_not_found() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let place = format!("{}/metadata/name", fixture.mount);
    fixture.server().must("POST", &place, json!({ "max_versions": 3 })).await?;
    fails(&fixture, ErrorKind::NotFound, kv.read(&path("name")?).await).map(drop)
}

#[tokio::test]
async fn folder_lists_its_names_and_folders() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let list = async |folder: Option<&str>| -> Result<Vec<String>> {
        let listed = kv.list(folder.map(path).transpose()?.as_ref()).await?;
        Ok(listed.iter().map(ToString::to_string).collect())
    };
    assert_eq!(list(None).await?, [""; 0], "an empty mount");
    for name in ["b", "a", "folder", "folder/x", "folder/deep/y"] {
        fixture.put(name, json!({ "key": "v" })).await?;
    }
    for (folder, expected) in [
        (None, &["a", "b", "folder", "folder/"][..]),
        (Some("folder"), &["deep/", "x"]),
        (Some("folder/deep"), &["y"]),
        (Some("folder/deep/y"), &[]),
        (Some("nothing"), &[]),
    ] {
        assert_eq!(list(folder).await?, expected, "{folder:?}");
        let place = format!("{}/metadata/{}", fixture.mount, folder.unwrap_or_default());
        let (_, answer) = fixture.server().api("LIST", &place, None).await?;
        assert_eq!(answer["data"]["keys"].as_array().map_or(0, Vec::len), expected.len());
    }
    Ok(())
}
