//! `km history`: the versions of a secret and their states.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Km, Server, secret};

use crate::cli::common::{NAME, contains_all, fails, writer};

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

fn history(fixture: &Fixture, name: &str) -> Km {
    fixture.km().args(["history", name])
}

async fn document(km: Km) -> Result<Value> {
    let output = km.args(["--json"]).run().await?.expect(0)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn versions_are_printed_newest_first_with_their_states() -> Result<()> {
    let fixture = fixture().await?;
    let write = async || {
        let km = writer(&fixture).args(["write", NAME, "--replace"]).stdin(secret("value"));
        km.run().await?.expect(0).map(drop)
    };
    for _ in 0..3 {
        write().await?;
    }
    let path = format!("{}/destroy/{NAME}", fixture.mount);
    fixture.server().must("POST", &path, json!({ "versions": [1] })).await?;
    writer(&fixture).args(["delete", NAME]).run().await?.expect(0)?;
    write().await?;
    let path = format!("{}/metadata/{NAME}", fixture.mount);
    let metadata = fixture.server().must("GET", &path, None).await?;
    let by = |by: &Value| match by {
        Value::Null => Value::Null,
        by => json!({ "actor": by["actor"], "entity_id": by["entity_id"] }),
    };
    let version = |number: u64, state: &str| {
        let stored = &metadata["data"]["versions"][number.to_string()];
        let deleted = Some(&stored["deletion_time"]).filter(|time| **time != "");
        json!({
            "version": number, "current": number == 4, "state": state,
            "created": stored["created_time"], "created_by": by(&stored["created_by"]),
            "deleted": deleted, "deleted_by": by(&stored["deleted_by"]),
            "destroyed": state == "destroyed",
        })
    };
    let versions =
        [version(4, "live"), version(3, "deleted"), version(2, "live"), version(1, "destroyed")];
    let expected =
        json!({ "name": NAME, "current_version": 4, "versions": versions, "omitted": 0 });
    assert_eq!(document(history(&fixture, NAME)).await?, expected);
    assert_eq!(document(history(&fixture, &format!("os.environ/{NAME}"))).await?, expected);

    let output = history(&fixture, NAME).run().await?.expect(0)?;
    let lines: Vec<_> = output.text()?.lines().collect();
    assert_eq!((lines.len(), output.stderr.as_str()), (5, ""), "{lines:?}");
    for (line, parts) in lines.iter().zip([
        &["VERSION", "STATE", "CREATED", "DELETED"][..],
        &["4", "live current"],
        &["3", "deleted", versions[1]["deleted"].as_str().unwrap_or("none")],
        &["2", "live"],
        &["1", "destroyed", versions[3]["created"].as_str().unwrap_or("none")],
    ]) {
        contains_all(line, parts)?;
    }
    // Vault reports who made a change since 1.21, OpenBao does not.
    if versions[0]["created_by"] != Value::Null {
        contains_all(lines[1], &["approle (entity "])?;
    }
    Ok(())
}

#[tokio::test]
async fn scheduled_deletion_is_printed_for_a_live_version() -> Result<()> {
    let fixture = fixture().await?;
    let path = format!("{}/metadata/{NAME}", fixture.mount);
    let later = json!({ "delete_version_after": "1h" });
    fixture.server().must("POST", &path, later).await?;
    let stored = fixture.put(NAME, json!({ "key": secret("value") })).await?;
    let found = document(history(&fixture, NAME)).await?;
    let version = &found["versions"][0];
    assert_eq!(
        (&version["state"], &version["deleted"]),
        (&json!("live"), &stored["deletion_time"])
    );
    // It is not undeleted, so that it is still deleted later.
    let output = writer(&fixture).args(["undelete", NAME]).run().await?.expect(0)?;
    contains_all(&output.stderr, &["nothing to undelete"])?;
    assert_eq!(document(history(&fixture, NAME)).await?, found);
    Ok(())
}

#[tokio::test]
async fn output_is_bounded_by_the_limit() -> Result<()> {
    let fixture = fixture().await?;
    let path = format!("{}/metadata/{NAME}", fixture.mount);
    fixture.server().must("POST", &path, json!({ "max_versions": 200 })).await?;
    for _ in 0..105 {
        fixture.put(NAME, json!({ "key": "v" })).await?;
    }
    for (options, printed) in [(&[][..], 100), (&["--limit", "3"], 3), (&["--limit", "1000"], 105)]
    {
        let found = document(history(&fixture, NAME).args(options)).await?;
        let versions = found["versions"].as_array().map(Vec::len);
        assert_eq!((versions, &found["omitted"]), (Some(printed), &json!(105 - printed)));
        assert_eq!(found["versions"][0]["version"], 105);
        let output = history(&fixture, NAME).args(options).run().await?.expect(0)?;
        assert_eq!(output.text()?.lines().count(), 1 + printed);
        assert_eq!(output.stderr.contains("raise --limit"), printed < 105, "{}", output.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn only_kept_versions_are_printed() -> Result<()> {
    let fixture = fixture().await?;
    let path = format!("{}/metadata/{NAME}", fixture.mount);
    fixture.server().must("POST", &path, json!({ "max_versions": 2 })).await?;
    // A secret without any version.
    let found = document(history(&fixture, NAME)).await?;
    assert_eq!((&found["versions"], &found["current_version"]), (&json!([]), &json!(0)));
    for _ in 0..4 {
        fixture.put(NAME, json!({ "key": "v" })).await?;
    }
    let found = document(history(&fixture, NAME)).await?;
    let numbers = [&found["versions"][0]["version"], &found["versions"][1]["version"]];
    assert_eq!((numbers, &found["versions"][2]), ([&json!(4), &json!(3)], &Value::Null));
    Ok(())
}

#[tokio::test]
async fn history_needs_no_right_to_read_the_value() -> Result<()> {
    let policy =
        |mount: &str| format!(r#"path "{mount}/metadata/*" {{ capabilities = ["read"] }}"#);
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    assert_eq!(document(history(&fixture, NAME)).await?["current_version"], 1);
    fails(|| fixture.km().args(["read", NAME]), 5, "denied").await.map(drop)
}
