//! Check-and-set writes.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, secret};
use vault_kv::{Cas, ErrorKind, Kv};

use super::{engine, fails, fields};
use crate::product::path;

/// Writes with `cas`, and verifies the version that is stored or the error.
async fn check(
    (fixture, kv): (&Fixture, &Kv),
    cas: Cas,
    expected: Result<u64, ErrorKind>,
) -> Result<()> {
    let value = secret("value");
    let before = fixture.get("name").await?;
    let written = kv.write(&path("name")?, &fields(&[("key", &value)]), cas).await;
    let after = fixture.get("name").await?;
    match expected {
        Ok(version) => {
            assert_eq!(written?.version, version, "{cas:?}");
            assert_eq!(after.1["data"]["metadata"]["version"], version);
            assert_eq!(after.1["data"]["data"]["key"], json!(value));
        }
        Err(kind) => {
            fails(fixture, kind, written)?;
            assert_eq!(after.1["data"], before.1["data"], "{cas:?}: nothing is written");
        }
    }
    Ok(())
}

#[tokio::test]
async fn cas_write_replaces_only_the_version_that_it_names() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let mismatch = Err(ErrorKind::CasMismatch);
    for (cas, expected) in [
        (Cas::Version(1), mismatch),
        (Cas::Version(0), Ok(1)),
        (Cas::Version(0), mismatch),
        (Cas::Version(2), mismatch),
        (Cas::Version(1), Ok(2)),
        (Cas::Version(1), mismatch),
        (Cas::Any, Ok(3)),
        (Cas::Version(3), Ok(4)),
    ] {
        check((&fixture, &kv), cas, expected).await?;
    }
    Ok(())
}

#[tokio::test]
async fn write_without_a_required_cas_version_is_rejected() -> Result<()> {
    // By the whole mount, and by this secret alone.
    for place in ["config", "metadata/name"] {
        let (fixture, kv) = engine().await?;
        let place = format!("{}/{place}", fixture.mount);
        fixture.server().must("POST", &place, json!({ "cas_required": true })).await?;
        for (cas, expected) in [
            (Cas::Any, Err(ErrorKind::CasRequired)),
            (Cas::Version(0), Ok(1)),
            (Cas::Any, Err(ErrorKind::CasRequired)),
            (Cas::Version(1), Ok(2)),
        ] {
            check((&fixture, &kv), cas, expected).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn cas_write_of_a_deleted_secret_names_its_version_and_not_0() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let name = path("name")?;
    for (round, kind) in [(1, ErrorKind::Deleted), (2, ErrorKind::Destroyed)] {
        check((&fixture, &kv), Cas::Version(round - 1), Ok(round)).await?;
        if kind == ErrorKind::Deleted {
            kv.delete_latest(&name).await?;
        } else {
            kv.destroy(&name, &[round]).await?;
        }
        check((&fixture, &kv), Cas::Version(0), Err(ErrorKind::CasMismatch)).await?;
        let error = fails(&fixture, kind, kv.read(&name).await)?;
        assert_eq!(error.version(), Some(round));
    }
    check((&fixture, &kv), Cas::Version(2), Ok(3)).await
}
