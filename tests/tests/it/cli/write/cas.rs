//! `km write` and versions: `--cas`, and mounts that require check-and-set.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, Km, Server, secret};

use crate::cli::common::{NAME, fails, says, writer};

async fn demanding() -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    let path = format!("{}/config", fixture.mount);
    fixture.server().must("POST", &path, json!({ "cas_required": true })).await?;
    Ok(fixture)
}

fn write(fixture: &Fixture, value: &str) -> Km {
    writer(fixture).args(["write", NAME]).stdin(value)
}

async fn check(fixture: &Fixture, value: &str, version: u64) -> Result<()> {
    let (_, answer) = fixture.get(NAME).await?;
    assert_eq!(answer["data"]["data"], json!({ "key": value }));
    assert_eq!(answer["data"]["metadata"]["version"], version);
    Ok(())
}

#[tokio::test]
async fn the_expected_version_is_replaced() -> Result<()> {
    for fixture in [Server::shared().await?.fixture().await?, demanding().await?] {
        for version in 0_u64..3 {
            let value = secret("value");
            let km = write(&fixture, &value).args(["--cas", &version.to_string()]);
            let output = km.run().await?.expect(0)?;
            says(output.text()?, &[&format!("version {}", version + 1)])?;
            check(&fixture, &value, version + 1).await?;
        }
        let km = || write(&fixture, "late").args(["--cas", "2"]);
        fails(km, 7, "conflict").await?;
        assert_eq!(fixture.get(NAME).await?.1["data"]["metadata"]["version"], 3);
    }
    Ok(())
}

#[tokio::test]
async fn a_mount_that_demands_a_version_gets_the_one_that_is_there() -> Result<()> {
    let fixture = demanding().await?;
    for version in 1..=3 {
        let value = secret("value");
        let output = write(&fixture, &value).run().await?.expect(0)?;
        says(output.text()?, &[&format!("version {version}")])?;
        check(&fixture, &value, version).await?;
    }
    Ok(())
}

#[tokio::test]
async fn also_where_the_latest_version_is_deleted_or_destroyed() -> Result<()> {
    let fixture = demanding().await?;
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
async fn also_where_there_is_only_metadata() -> Result<()> {
    let fixture = demanding().await?;
    let path = format!("{}/metadata/{NAME}", fixture.mount);
    fixture.server().must("POST", &path, json!({ "max_versions": 3 })).await?;
    let value = secret("value");
    write(&fixture, &value).run().await?.expect(0)?;
    check(&fixture, &value, 1).await
}

#[tokio::test]
async fn also_where_the_secret_itself_demands_it() -> Result<()> {
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
async fn zero_is_no_version_at_all_be_it_deleted() -> Result<()> {
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
