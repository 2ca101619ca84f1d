//! `km delete` deletes the latest version, which can be undeleted.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::common::{NAME, contains_all, fails, writer};

#[tokio::test]
async fn latest_version_is_deleted_and_can_be_undeleted() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (server, mount) = (fixture.server(), &fixture.mount);
    let value = secret("value");
    fixture.put(NAME, json!({ "key": secret("first") })).await?;
    fixture.put(NAME, json!({ "key": value })).await?;

    let output = writer(&fixture).args(["delete", NAME]).run().await?.expect(0)?;
    let expected = format!("deleted {mount}/data/{NAME}\n");
    assert_eq!((output.text()?, output.stderr.as_str()), (expected.as_str(), ""));

    let (status, response) = fixture.get(NAME).await?;
    let metadata = &response["data"]["metadata"];
    assert_eq!(
        (status, &metadata["version"], &metadata["destroyed"]),
        (404, &json!(2), &json!(false))
    );
    assert_ne!(metadata["deletion_time"], "", "{response}");
    let path = format!("{mount}/data/{NAME}?version=1");
    assert_eq!(server.api("GET", &path, None).await?.0, 200, "the previous version was changed");

    let versions = json!({ "versions": [2] });
    server.must("POST", &format!("{mount}/undelete/{NAME}"), versions).await?;
    let output = fixture.km().args(["read", NAME]).run().await?.expect(0)?;
    assert_eq!(output.text()?, value);
    Ok(())
}

#[tokio::test]
async fn absent_or_deleted_secret_is_exit_6_and_unchanged() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    writer(&fixture).args(["delete", NAME]).run().await?.expect(0)?;
    let deleted_at = async || anyhow::Ok(fixture.get(NAME).await?.1["data"]["metadata"].clone());
    let before = deleted_at().await?;
    for name in [NAME, "never-written", "folder/never-written"] {
        let stderr = fails(|| writer(&fixture).args(["delete", name]), 6, "not_found").await?;
        contains_all(&stderr, &[&format!("km: delete {name}: ")])?;
    }
    assert_eq!(deleted_at().await?, before);
    let path = format!("{}/metadata/never-written", fixture.mount);
    assert_eq!(fixture.server().api("GET", &path, None).await?.0, 404, "a secret was created");
    Ok(())
}

#[tokio::test]
async fn secret_without_a_usable_value_is_deleted() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for fields in [json!({ "key": 1 }), json!({ "other": "field" }), json!({})] {
        fixture.put(NAME, fields).await?;
        writer(&fixture).args(["delete", NAME]).run().await?.expect(0)?;
        assert_eq!(fixture.get(NAME).await?.0, 404);
    }
    Ok(())
}

#[tokio::test]
async fn folder_is_not_found() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("folder/name", json!({ "key": secret("value") })).await?;
    fails(|| writer(&fixture).args(["delete", "folder"]), 6, "not_found").await?;
    assert_eq!(fixture.get("folder/name").await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn deleted_secret_can_be_written_again() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    writer(&fixture).args(["delete", NAME]).run().await?.expect(0)?;
    let value = secret("new");
    writer(&fixture).args(["write", NAME]).stdin(value.as_str()).run().await?.expect(0)?;
    let output = fixture.km().args(["read", NAME]).run().await?.expect(0)?;
    assert_eq!(output.text()?, value);
    Ok(())
}
