//! Metadata of secrets: limits, versions and custom metadata.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, Flavor};
use vault_kv::{ErrorKind, MetadataUpdate};

use super::{engine, fails};
use crate::product::{path, variables};

async fn stored(fixture: &Fixture) -> Result<(u16, Value)> {
    fixture.server().api("GET", &format!("{}/metadata/name", fixture.mount), None).await
}

fn notes(pairs: &[(&str, &str)]) -> MetadataUpdate {
    MetadataUpdate::new().with_custom_metadata(variables(pairs))
}

#[tokio::test]
async fn metadata_has_the_limits_and_every_version() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let name = path("name")?;
    let update = MetadataUpdate::new()
        .with_max_versions(2)
        .with_cas_required(false)
        .with_delete_version_after("3h25m19s")
        .with_custom_metadata(variables(&[("owner", "team a"), ("clé", "ü/\"")]));
    // There is no version yet.
    kv.put_metadata(&name, &update).await?;
    let metadata = kv.metadata(&name).await?;
    assert_eq!((metadata.current_version, metadata.versions.len()), (0, 0));

    for _ in 0..3 {
        fixture.put("name", json!({ "key": "v" })).await?;
    }
    kv.destroy(&name, &[2]).await?;
    let metadata = kv.metadata(&name).await?;
    let server = stored(&fixture).await?.1["data"].take();
    assert_eq!(metadata.current_version, 3);
    assert_eq!((metadata.max_versions, metadata.oldest_version), (2, 2));
    assert_eq!(metadata.delete_version_after, "3h25m19s");
    assert_eq!(Some(&metadata.custom_metadata), update.custom_metadata.as_ref());
    for (field, value) in [
        ("current_version", json!(metadata.current_version)),
        ("oldest_version", json!(metadata.oldest_version)),
        ("max_versions", json!(metadata.max_versions)),
        ("cas_required", json!(metadata.cas_required)),
        ("delete_version_after", json!(metadata.delete_version_after)),
        ("created_time", json!(metadata.created_time)),
        ("updated_time", json!(metadata.updated_time)),
        ("custom_metadata", json!(metadata.custom_metadata)),
    ] {
        assert_eq!(server[field], value, "{field}");
    }
    let destroyed: BTreeMap<_, _> =
        metadata.versions.iter().map(|(version, state)| (*version, state.destroyed)).collect();
    assert_eq!(destroyed, BTreeMap::from([(2, true), (3, false)]));
    for (version, state) in &metadata.versions {
        assert_eq!(server["versions"][version.to_string()]["created_time"], state.created_time);
        assert!(state.deletion_time.is_some(), "each has a time of deletion");
    }
    Ok(())
}

#[tokio::test]
async fn custom_metadata_is_replaced_by_a_put_and_merged_by_a_patch() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let name = path("name")?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let check = async |expected: &[(&str, &str)]| -> Result<()> {
        let expected = variables(expected);
        assert_eq!(kv.metadata(&name).await?.custom_metadata, expected);
        assert_eq!(kv.read(&name).await?.metadata.custom_metadata, expected);
        let server = stored(&fixture).await?.1["data"]["custom_metadata"].take();
        assert_eq!(server.as_object().map_or(0, serde_json::Map::len), expected.len());
        Ok(())
    };
    check(&[]).await?;
    kv.put_metadata(&name, &notes(&[("a", "1"), ("b", "2")])).await?;
    check(&[("a", "1"), ("b", "2")]).await?;
    kv.patch_metadata(&name, &notes(&[("b", "3"), ("c", "4")])).await?;
    check(&[("a", "1"), ("b", "3"), ("c", "4")]).await?;
    // An update leaves other settings as they are.
    kv.patch_metadata(&name, &MetadataUpdate::new().with_max_versions(5)).await?;
    check(&[("a", "1"), ("b", "3"), ("c", "4")]).await?;
    assert_eq!(stored(&fixture).await?.1["data"]["max_versions"], 5);
    kv.put_metadata(&name, &notes(&[("z", "1")])).await?;
    check(&[("z", "1")]).await?;
    assert_eq!(stored(&fixture).await?.1["data"]["max_versions"], 5);
    Ok(())
}

#[tokio::test]
async fn metadata_cas_is_compared_by_openbao_and_ignored_by_vault() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let name = path("name")?;
    let update = |cas| {
        let mut update = notes(&[("a", "1")]);
        update.metadata_cas = cas;
        update
    };
    kv.put_metadata(&name, &update(Some(0))).await?;
    let outdated = kv.put_metadata(&name, &update(Some(0))).await;
    if fixture.server().flavor() == Flavor::Vault {
        outdated?;
        assert_eq!(kv.metadata(&name).await?.current_metadata_version, None);
        return Ok(());
    }
    fails(&fixture, ErrorKind::CasMismatch, outdated)?;
    let outdated = kv.patch_metadata(&name, &update(Some(7))).await;
    fails(&fixture, ErrorKind::CasMismatch, outdated)?;
    assert_eq!(kv.metadata(&name).await?.current_metadata_version, Some(1));
    kv.put_metadata(&name, &update(Some(1))).await?;

    let config = format!("{}/config", fixture.mount);
    fixture.server().must("POST", &config, json!({ "metadata_cas_required": true })).await?;
    fails(&fixture, ErrorKind::CasRequired, kv.put_metadata(&name, &update(None)).await)?;
    // Writes of data need no version of the metadata.
    fixture.put("name", json!({ "key": "v" })).await?;
    assert_eq!(kv.read(&name).await?.metadata.version, 1);
    Ok(())
}

#[tokio::test]
async fn delete_of_metadata_deletes_every_version() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let name = path("name")?;
    fixture.put("name", json!({ "key": "v" })).await?;
    fixture.put("name", json!({ "key": "w" })).await?;
    kv.delete_metadata(&name).await?;
    assert_eq!(stored(&fixture).await?.0, 404);
    fails(&fixture, ErrorKind::NotFound, kv.read(&name).await)?;
    fails(&fixture, ErrorKind::NotFound, kv.read_version(&name, 1).await)?;
    fails(&fixture, ErrorKind::NotFound, kv.metadata(&name).await)?;
    fails(&fixture, ErrorKind::NotFound, kv.patch_metadata(&name, &notes(&[("a", "1")])).await)?;
    assert_eq!(stored(&fixture).await?.0, 404);
    Ok(())
}
