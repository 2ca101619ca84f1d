//! The audit log of reads and changes.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::{Fixture, Server, secret};

use crate::serve::sidecar::Sidecar;

/// Sends reads to both APIs, then a change. Returns the events of `km::audit`.
async fn events(fixture: &Fixture, filter: &str) -> Result<Vec<Value>> {
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write");
    let sidecar = Sidecar::start(km, &["--log-format", "json", "--log", filter]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let data = format!("/v1/{}/data/ONE", fixture.mount);
    sidecar.get(&data).await?.expect(200)?;
    sidecar.get(&format!("/v1/{}/metadata/ONE", fixture.mount)).await?.expect(200)?;
    sidecar.call("LIST", &format!("/v1/{}/metadata", fixture.mount), None).await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
    sidecar.call("POST", &data, json!({ "data": { "key": secret("new") } })).await?.expect(200)?;
    let logged = sidecar.stop().await?.stderr;
    let events = logged.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    Ok(events.into_iter().filter(|event| event["target"] == "km::audit").collect())
}

#[tokio::test]
async fn reads_are_logged_with_name_source_version_and_client() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let events = events(&fixture, "km::audit=debug").await?;
    let seen: Vec<_> = events
        .iter()
        .filter(|event| event["level"] == "DEBUG")
        .map(|event| {
            let fields = &event["fields"];
            (
                fields["api"].clone(),
                fields["operation"].clone(),
                fields["name"].clone(),
                fields["source"].clone(),
                fields["version"].clone(),
            )
        })
        .collect();
    let expected: Vec<_> = [
        ("native", "read", "ONE", "vault", json!(1)),
        ("native", "read", "ONE", "cache", json!(1)),
        ("vault", "read", "ONE", "cache", json!(1)),
        ("vault", "read_metadata", "ONE", "vault", json!(1)),
        ("vault", "list", "", "vault", Value::Null),
    ]
    .into_iter()
    .map(|(api, operation, name, source, version)| {
        (json!(api), json!(operation), json!(name), json!(source), version)
    })
    .collect();
    ensure!(seen == expected, "{events:#?}");
    for event in &events {
        let client = event["fields"]["client"].as_str();
        ensure!(client.is_some_and(|client| client.starts_with("127.0.0.1:")));
    }
    Ok(())
}

#[tokio::test]
async fn audit_log_at_info_has_changes_but_no_reads() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let events = events(&fixture, "km::audit=info").await?;
    ensure!(events.len() == 1 && events[0]["level"] == "INFO", "{events:#?}");
    ensure!(events[0]["fields"]["operation"] == "write", "{events:#?}");
    Ok(())
}
