//! `km write` and versions: `--cas`, and mounts that require check-and-set.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, Km, Server, secret};

use crate::cli::common::{NAME, contains_all, fails, writer};

async fn cas_required_fixture() -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    let path = format!("{}/config", fixture.mount);
    fixture.server().must("POST", &path, json!({ "cas_required": true })).await?;
    Ok(fixture)
}

fn write(fixture: &Fixture, value: &str) -> Km {
    writer(fixture).args(["write", NAME]).stdin(value)
}

async fn check(fixture: &Fixture, value: &str, version: u64) -> Result<()> {
    let (_, response) = fixture.get(NAME).await?;
    assert_eq!(response["data"]["data"], json!({ "key": value }));
    assert_eq!(response["data"]["metadata"]["version"], version);
    Ok(())
}

#[tokio::test]
async fn write_with_the_expected_version_succeeds() -> Result<()> {
    for fixture in [Server::shared().await?.fixture().await?, cas_required_fixture().await?] {
        for version in 0_u64..3 {
            let value = secret("value");
            let km = write(&fixture, &value).args(["--cas", &version.to_string()]);
            let output = km.run().await?.expect(0)?;
            contains_all(output.text()?, &[&format!("version {}", version + 1)])?;
            check(&fixture, &value, version + 1).await?;
        }
        let km = || write(&fixture, "late").args(["--cas", "2"]);
        fails(km, 7, "conflict").await?;
        assert_eq!(fixture.get(NAME).await?.1["data"]["metadata"]["version"], 3);
    }
    Ok(())
}

#[tokio::test]
async fn write_without_cas_sends_the_current_version_if_the_mount_requires_one() -> Result<()> {
    let fixture = cas_required_fixture().await?;
    for version in 1..=3 {
        let value = secret("value");
        let output = write(&fixture, &value).run().await?.expect(0)?;
        contains_all(output.text()?, &[&format!("version {version}")])?;
        check(&fixture, &value, version).await?;
    }
    Ok(())
}

#[tokio::test]
async fn write_sends_the_version_of_a_deleted_or_destroyed_secret() -> Result<()> {
    let fixture = cas_required_fixture().await?;
    let (server, mount) = (fixture.server(), &fixture.mount);
    let value = secret("value");
    write(&fixture, &value).run().await?.expect(0)?;
    server.must("DELETE", &format!("{mount}/data/{NAME}"), None).await?;
    write(&fixture, &value).run().await?.expect(0)?;
    check(&fixture, &value, 2).await?;
    let versions = json!({ "versions": [2] });
    server.must("PUT", &format!("{mount}/destroy/{NAME}"), versions).await?;
    write(&fixture, &value).run().await?.expect(0)?;
    check(&fixture, &value, 3).await
}

#[tokio::test]
async fn write_sends_version_0_for_a_secret_with_only_metadata() -> Result<()> {
    let fixture = cas_required_fixture().await?;
    let path = format!("{}/metadata/{NAME}", fixture.mount);
    fixture.server().must("POST", &path, json!({ "max_versions": 3 })).await?;
    let value = secret("value");
    write(&fixture, &value).run().await?.expect(0)?;
    check(&fixture, &value, 1).await
}

#[tokio::test]
async fn write_sends_the_current_version_if_the_secret_requires_one() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let path = format!("{}/metadata/{NAME}", fixture.mount);
    fixture.server().must("POST", &path, json!({ "cas_required": true })).await?;
    for version in 1..=2 {
        let value = secret("value");
        write(&fixture, &value).run().await?.expect(0)?;
        check(&fixture, &value, version).await?;
    }
    Ok(())
}

#[tokio::test]
async fn cas_0_conflicts_with_a_deleted_secret() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": secret("first") })).await?;
    let km = || write(&fixture, "second").args(["--cas", "0"]);
    fails(km, 7, "conflict").await?;
    fixture.server().must("DELETE", &format!("{}/data/{NAME}", fixture.mount), None).await?;
    fails(km, 7, "conflict").await?;
    // The version of the deleted secret has to be given.
    write(&fixture, "third").args(["--cas", "1"]).run().await?.expect(0)?;
    check(&fixture, "third", 2).await
}
