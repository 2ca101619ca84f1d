//! Provider secrets at the own door.

use anyhow::Result;
use serde_json::json;
use tests::{Server, secret};

use super::sidecar::Sidecar;
use crate::relay::Relay;

#[tokio::test]
async fn a_secret_is_a_value_with_its_version_and_age() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": "old" })).await?;
    fixture.put("ONE", json!({ "key": value })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    for reference in ["ONE", "os.environ/ONE", "os.environ%2FONE"] {
        let answer = sidecar.get(&format!("/km/v1/secrets/{reference}")).await?.expect(200)?;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
        let mut document = answer.json()?;
        assert!(document["age_seconds"].take().is_u64(), "{reference}");
        let expected = json!({ "value": value, "version": 2, "age_seconds": null, "stale": false });
        assert_eq!(document, expected);
    }
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn names_are_decoded_once() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    for (path, name) in [
        ("a/b", "a/b"),
        ("a%2Fc", "a/c"),
        ("with%20space", "with space"),
        ("50%25", "50%"),
        ("%2561", "%61"),
        ("cl%C3%A9", "clé"),
    ] {
        let value = secret("value");
        let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write").args(["write", name]);
        km.stdin(value.as_str()).run().await?.expect(0)?;
        let answer = sidecar.get(&format!("/km/v1/secrets/{path}")).await?.expect(200)?;
        assert_eq!(answer.json()?["value"], json!(value), "{path}");
    }
    for path in ["..", "%2e%2e/x", "a//b", "a/", "%00", "%FF", "a%0Ab", "oidc/google"] {
        let answer = sidecar.get(&format!("/km/v1/secrets/{path}")).await?.expect(400)?;
        assert_eq!(answer.json()?["error"]["kind"], "usage", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn each_failure_has_its_status() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("NUMBER", json!({ "key": 1 })).await?;
    let km = fixture.km().env("OF_THE_ENVIRONMENT", "e");
    let sidecar = Sidecar::start(km, &[]).await?;
    for (method, path, status, kind) in [
        ("GET", "/km/v1/secrets/ABSENT", 404, "not_found"),
        ("GET", "/km/v1/secrets/NUMBER", 422, "stored_value"),
        ("GET", "/km/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("POST", "/km/v1/secrets/ABSENT", 405, "usage"),
        ("DELETE", "/km/v1/keys/ABSENT", 403, "denied"),
    ] {
        let answer = sidecar.call(method, path, None).await?.expect(status)?;
        let document = answer.json()?;
        let error = document["error"].as_object().expect("an error");
        let names: Vec<_> = error.keys().map(String::as_str).collect();
        assert_eq!(names, ["hint", "kind", "message"], "{path}");
        assert_eq!(error["kind"], kind, "{path}");
    }
    let answer = sidecar.get("/km/v1/secrets/OF_THE_ENVIRONMENT").await?.expect(200)?;
    let expected = json!({ "value": "e", "version": null, "age_seconds": 0, "stale": false });
    assert_eq!(answer.json()?, expected);
    Ok(())
}

#[tokio::test]
async fn nobody_to_ask_is_503_and_what_is_in_memory_is_served_stale() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let value = secret("value");
    let fixture = server.fixture().await?;
    fixture.put("ONE", json!({ "key": value })).await?;
    let km = fixture.km().env("HCP_VAULT_REFRESH_INTERVAL", "1").env("KM_DEADLINE", "1s");
    let sidecar = Sidecar::start(km, &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let path = format!("/v1/{}/data/ONE", fixture.mount);
    sidecar.get(&path).await?.expect(200)?;
    server.stop().await?;
    crate::product::until("a stale value", async || {
        let answer = sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
        let stale = sidecar.get(&path).await?.expect(200)?;
        Ok(answer.json()?["stale"] == true && stale.header("x-km-source") == "stale")
    })
    .await?;
    let answer = sidecar.get("/km/v1/secrets/TWO").await?.expect(503)?;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.json()?["error"]["kind"], "unavailable");
    let answer = sidecar.get(&format!("/v1/{}/data/TWO", fixture.mount)).await?.expect(503)?;
    assert!(answer.json()?["errors"].is_array());
    sidecar.get("/readyz").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_value_in_memory_is_no_request() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let relay = Relay::to(server.address(), "").await?;
    let sidecar = Sidecar::start(fixture.km().env("HCP_VAULT_ADDR", relay.address()), &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let before = relay.requests();
    for _ in 0..20 {
        sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    }
    assert_eq!(relay.requests(), before);
    Ok(())
}
