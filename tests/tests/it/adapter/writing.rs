//! Writes, deletions and lists through the key manager.

use anyhow::Result;
use km_proxy_adapter::{Error, ErrorKind, WriteOptions, Written};
use serde_json::json;
use testkit::{Engine, Fixture, FixtureSpec, Server, secret};

use super::{keys, keys_before, shows_nothing};
use crate::product::{Silence, variables};

const WRITER: (&str, &str) = ("KM_ACCESS_MODE", "read_and_write");

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

fn described(description: &str) -> WriteOptions {
    WriteOptions { description: Some(description.to_owned()), ..Default::default() }
}

fn cas(version: u64) -> WriteOptions {
    WriteOptions { cas: Some(version), ..Default::default() }
}

#[tokio::test]
async fn description_is_stored_beside_the_value() -> Result<()> {
    let fixture = fixture().await?;
    let plain = keys(&fixture, &[WRITER]).await?;
    let settled = keys(&fixture, &[WRITER, ("KM_DESCRIPTION", "of the settings")]).await?;
    for (keys, options, expected) in [
        (&plain, WriteOptions::default(), None),
        (&plain, described("of the call"), Some("of the call")),
        (&settled, WriteOptions::default(), Some("of the settings")),
        (&settled, described("of the call"), Some("of the call")),
    ] {
        let value = secret("value");
        let written = keys.write("NAME", value.clone().into(), &options).await?;
        let stored = fixture.get("NAME").await?.1;
        let expected = match expected {
            Some(text) => json!({ "key": value, "description": text }),
            None => json!({ "key": value }),
        };
        assert_eq!(stored["data"]["data"], expected);
        assert_eq!(stored["data"]["metadata"]["version"], written.version);
    }
    Ok(())
}

/// Returns the version that was written, or the kind of the error, which must contain no secret.
fn version_or_kind(fixture: &Fixture, outcome: Result<Written, Error>) -> Result<u64, ErrorKind> {
    if let Err(error) = &outcome {
        shows_nothing(fixture, error);
    }
    outcome.map(|written| written.version).map_err(|error| error.kind())
}

#[tokio::test]
async fn failed_check_and_set_is_a_conflict() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    for (options, expected) in [
        (cas(1), Err(ErrorKind::Conflict)),
        (cas(0), Ok(1)),
        (cas(0), Err(ErrorKind::Conflict)),
        (cas(1), Ok(2)),
        (WriteOptions::default(), Ok(3)),
    ] {
        let outcome = keys.write("NAME", secret("value").into(), &options).await;
        assert_eq!(version_or_kind(&fixture, outcome), expected, "{options:?}");
    }
    assert_eq!(fixture.get("NAME").await?.1["data"]["metadata"]["version"], 3);
    Ok(())
}

#[tokio::test]
async fn write_to_a_check_and_set_mount_reads_the_version_first() -> Result<()> {
    let fixture = fixture().await?;
    let config = format!("{}/config", fixture.mount);
    fixture.server().must("POST", &config, json!({ "cas_required": true })).await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    let write = async |version: u64| -> Result<()> {
        let value = secret("value");
        let written = keys.write("NAME", value.clone().into(), &WriteOptions::default()).await?;
        assert_eq!(written.version, version);
        assert_eq!(fixture.get("NAME").await?.1["data"]["data"]["key"], json!(value));
        Ok(())
    };
    // Never written, existing, deleted, destroyed.
    write(1).await?;
    write(2).await?;
    keys.delete("NAME").await?;
    write(3).await?;
    let location = format!("{}/destroy/NAME", fixture.mount);
    fixture.server().must("POST", &location, json!({ "versions": [3] })).await?;
    write(4).await
}

#[tokio::test]
async fn access_mode_refuses_writes_before_a_request() -> Result<()> {
    let (fixture, silence) = (fixture().await?, Silence::new()?);
    let address = silence.address()?;
    let keys = keys(&fixture, &[("HCP_VAULT_ADDR", &address)]).await?;
    let write = keys.write("NAME", secret("value").into(), &WriteOptions::default()).await;
    for outcome in [write.map(drop), keys.delete("NAME").await.map(drop)] {
        assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::Denied));
    }
    let settings = [("HCP_VAULT_ADDR", address.as_str()), ("KM_ACCESS_MODE", "write_only")];
    let writer = keys_before(&fixture, &settings, variables(&[])).await?;
    let listed = writer.list(None).await.map_err(|error| error.kind());
    assert_eq!(listed.err(), Some(ErrorKind::Denied));
    silence.expect_nobody()
}

#[tokio::test]
async fn writer_without_read_access_writes_and_deletes() -> Result<()> {
    let policy = |mount: &str| {
        format!(r#"path "{mount}/data/*" {{ capabilities = ["create", "update", "delete"] }}"#)
    };
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let keys = keys(&fixture, &[("KM_ACCESS_MODE", "write_only")]).await?;
    let value = secret("value");
    keys.write("NAME", value.clone().into(), &WriteOptions::default()).await?;
    assert_eq!(fixture.get("NAME").await?.1["data"]["data"]["key"], json!(value));
    keys.delete("NAME").await?;
    assert_eq!(fixture.get("NAME").await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn written_field_keeps_the_others_and_invalidates_the_cache() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    for fields in [json!({ "key": secret("old"), "user": "root" }), json!({ "user": "root" })] {
        fixture.put("NAME", fields).await?;
        keys.invalidate("NAME")?;
        // The value is cached, or that there is none.
        drop(keys.secret("NAME").await);
        let value = secret("value");
        let options = WriteOptions::default();
        let written = keys.write_field("NAME", value.clone().into(), &options).await?;
        let stored = fixture.get("NAME").await?.1;
        assert_eq!(stored["data"]["data"], json!({ "key": value, "user": "root" }));
        assert_eq!(stored["data"]["metadata"]["version"], written.version);
        assert_eq!(keys.secret("NAME").await?.expose(), value);
    }
    // A replacement keeps nothing.
    let value = secret("value");
    keys.write("NAME", value.clone().into(), &WriteOptions::default()).await?;
    assert_eq!(fixture.get("NAME").await?.1["data"]["data"], json!({ "key": value }));
    Ok(())
}

#[tokio::test]
async fn change_of_a_version_invalidates_the_cache() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    let value = secret("value");
    fixture.put("NAME", json!({ "key": value })).await?;
    keys.delete("NAME").await?;
    let absent = keys.secret("NAME").await.map_err(|error| error.kind());
    assert_eq!(absent.err(), Some(ErrorKind::NotFound));
    // That there is no value is cached too.
    assert_eq!(keys.undelete("NAME", None).await?.versions, [1]);
    assert_eq!(keys.secret("NAME").await?.expose(), value);
    assert_eq!(keys.destroy("NAME", &[1]).await?.versions, [1]);
    let destroyed = keys.secret("NAME").await.map_err(|error| error.kind());
    assert_eq!(destroyed.err(), Some(ErrorKind::NotFound));
    Ok(())
}

#[tokio::test]
async fn field_written_to_another_version_than_the_named_one_is_a_conflict() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    for (options, expected) in [
        (cas(1), Err(ErrorKind::Conflict)),
        (cas(0), Ok(1)),
        (cas(0), Err(ErrorKind::Conflict)),
        (cas(2), Err(ErrorKind::Conflict)),
        (cas(1), Ok(2)),
        (WriteOptions::default(), Ok(3)),
    ] {
        let outcome = keys.write_field("NAME", secret("value").into(), &options).await;
        assert_eq!(version_or_kind(&fixture, outcome), expected, "{options:?}");
    }
    Ok(())
}

#[tokio::test]
async fn version_1_mount_is_not_written_to() -> Result<()> {
    let spec = FixtureSpec { engine: Engine::V1, ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    for options in [WriteOptions::default(), cas(0)] {
        let outcome = keys.write("NAME", secret("value").into(), &options).await;
        assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::StoredValue));
        let outcome = keys.write_field("NAME", secret("value").into(), &options).await;
        assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::StoredValue));
    }
    let deleted = keys.delete("NAME").await.map_err(|error| error.kind());
    assert_eq!(deleted, Err(ErrorKind::StoredValue));
    assert_eq!(fixture.server().api("LIST", &fixture.mount, None).await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn deletion_of_a_missing_secret_is_not_found() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[WRITER]).await?;
    fixture.put("NAME", json!({ "key": secret("value") })).await?;
    for (name, expected) in [
        ("nothing", Err(ErrorKind::NotFound)),
        ("NAME", Ok(())),
        // A second deletion has no effect.
        ("NAME", Err(ErrorKind::NotFound)),
    ] {
        let outcome = keys.delete(name).await.map(drop).map_err(|error| error.kind());
        assert_eq!(outcome, expected, "{name}");
    }
    // It can be undeleted.
    let location = format!("{}/undelete/NAME", fixture.mount);
    fixture.server().must("POST", &location, json!({ "versions": [1] })).await?;
    assert_eq!(fixture.get("NAME").await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn list_returns_names_below_the_prefix() -> Result<()> {
    let fixture = fixture().await?;
    for name in ["A", "litellm/B", "litellm/folder/C", "litellm/folder/D"] {
        fixture.put(name, json!({ "key": "v" })).await?;
    }
    let root = keys(&fixture, &[]).await?;
    let prefixed = keys(&fixture, &[("HCP_VAULT_PATH_PREFIX", "litellm")]).await?;
    for (keys, folder, expected) in [
        (&root, None, &["A", "litellm/"][..]),
        (&root, Some("litellm"), &["B", "folder/"]),
        (&prefixed, None, &["B", "folder/"]),
        (&prefixed, Some("/folder/"), &["C", "D"]),
        (&prefixed, Some("nothing"), &[]),
    ] {
        let listing = keys.list(folder).await?;
        assert_eq!(listing.live().collect::<Vec<_>>(), expected, "{folder:?}");
    }
    Ok(())
}
