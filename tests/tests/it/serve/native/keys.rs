//! Virtual keys in the native API.

use anyhow::Result;
use serde_json::json;
use testkit::{FixtureSpec, Server, secret};

use crate::serve::sidecar::Sidecar;

#[tokio::test]
async fn key_is_stored_rotated_renamed_and_deleted() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let (one, two) = (secret("one"), secret("two"));
    let at = |name: &str| format!("{}/data/litellm/{name}", fixture.mount);

    let body = json!({ "alias": "team/key", "value": one, "description": "text" });
    let response = sidecar.call("POST", "/km/v1/keys", body).await?.expect(200)?;
    assert_eq!(response.json()?, json!({ "path": at("team/key"), "version": 1 }));
    let (_, stored) = fixture.get("litellm/team/key").await?;
    assert_eq!(stored["data"]["data"], json!({ "key": one, "description": "text" }));

    let body = json!({ "value": two, "to": "other" });
    let response = sidecar.call("POST", "/km/v1/keys/team/key/rotate", body).await?.expect(200)?;
    let expected = json!({ "path": at("other"), "version": 1, "deleted": at("team/key") });
    assert_eq!(response.json()?, expected);

    let body = json!({ "to": "last" });
    let response = sidecar.call("POST", "/km/v1/keys/other/rename", body).await?.expect(200)?;
    let expected = json!({ "path": at("last"), "version": 1, "deleted": at("other") });
    assert_eq!(response.json()?, expected);
    let (_, stored) = fixture.get("litellm/last").await?;
    assert_eq!(stored["data"]["data"]["key"], json!(two));

    let response = sidecar.call("DELETE", "/km/v1/keys/last", None).await?.expect(200)?;
    assert_eq!(response.json()?, json!({ "deleted": at("last") }));
    let response = sidecar.call("DELETE", "/km/v1/keys/last", None).await?.expect(404)?;
    assert_eq!(response.json()?["error"]["kind"], "not_found");

    // The audit log has client, path and version. The harness fails the run if it contains a value.
    let stderr = sidecar.stop().await?.stderr;
    let audit: Vec<_> = stderr.lines().filter(|line| line.contains("km::audit")).collect();
    assert_eq!(audit.len(), 6, "{stderr}");
    assert!(audit.iter().all(|line| line.contains("client=127.0.0.1:")), "{stderr}");
    assert!(audit[0].contains(&at("team/key")) && audit[0].contains("version=1"), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn token_id_and_team_settings_determine_the_path() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let value = secret("value");
    let body = json!({ "token_id": "88dc", "value": value });
    sidecar.call("POST", "/km/v1/keys", body).await?.expect(200)?;
    assert_eq!(fixture.get("litellm/virtual-key-88dc").await?.0, 200);

    let team = json!({ "path_prefix": "team", "data": "token" });
    let body = json!({ "alias": "a", "value": value, "team_settings": team });
    sidecar.call("POST", "/km/v1/keys", body).await?.expect(200)?;
    let (_, stored) = fixture.get("team/litellm/a").await?;
    assert_eq!(stored["data"]["data"], json!({ "token": value }));
    let body = json!({ "team_settings": team });
    sidecar.call("DELETE", "/km/v1/keys/a", body).await?.expect(200)?;
    assert_eq!(fixture.get("team/litellm/a").await?.0, 404);

    for team in [json!({ "mount": 1 }), json!("text"), json!({ "path_prefix": "../x" })] {
        let body = json!({ "alias": "a", "value": "v", "team_settings": team });
        let response = sidecar.call("POST", "/km/v1/keys", body).await?.expect(400)?;
        assert_eq!(response.json()?["error"]["kind"], "settings", "{team}");
    }
    Ok(())
}

#[tokio::test]
async fn request_with_missing_or_extra_fields_is_rejected() -> Result<()> {
    let fixture = Server::shared().await?.fixture_with(FixtureSpec::default()).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    for (method, path, body) in [
        ("POST", "/km/v1/keys", json!({})),
        ("POST", "/km/v1/keys", json!({ "alias": "a" })),
        ("POST", "/km/v1/keys", json!({ "value": "v" })),
        ("POST", "/km/v1/keys", json!({ "alias": "a", "token_id": "b", "value": "v" })),
        ("POST", "/km/v1/keys", json!({ "alias": "a", "value": "v", "to": "b" })),
        ("POST", "/km/v1/keys", json!({ "alias": "a", "value": 1 })),
        ("POST", "/km/v1/keys", json!({ "alias": "../a", "value": "v" })),
        ("POST", "/km/v1/keys", json!({ "alias": "a", "value": "v", "unknown": 1 })),
        ("POST", "/km/v1/keys", json!([])),
        ("POST", "/km/v1/keys/a/rotate", json!({})),
        ("POST", "/km/v1/keys/a/rotate", json!({ "value": "v", "alias": "b" })),
        ("POST", "/km/v1/keys/a/rename", json!({ "value": "v", "to": "b" })),
        ("POST", "/km/v1/keys/a/rename", json!({})),
        ("DELETE", "/km/v1/keys/a", json!({ "value": "v" })),
    ] {
        let response = sidecar.call(method, path, body.clone()).await?.expect(400)?;
        assert_eq!(response.json()?["error"]["kind"], "usage", "{method} {path} {body}");
    }
    for (method, path) in
        [("GET", "/km/v1/keys"), ("GET", "/km/v1/keys/a"), ("POST", "/km/v1/keys/a/other")]
    {
        sidecar.call(method, path, None).await?.expect(405)?;
    }
    let (status, _) = fixture.get("litellm/a").await?;
    assert_eq!(status, 404, "something was written");
    Ok(())
}

#[tokio::test]
async fn store_onto_a_live_key_with_another_value_is_409() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let value = secret("value");
    for (value, status) in [(value.as_str(), 200), (&value, 200), ("another", 409)] {
        let body = json!({ "alias": "a", "value": value });
        let response = sidecar.call("POST", "/km/v1/keys", body).await?.expect(status)?;
        let expected = if status == 200 { json!(null) } else { json!("conflict") };
        assert_eq!(response.json()?["error"]["kind"], expected);
    }
    let (_, stored) = fixture.get("litellm/a").await?;
    let data = &stored["data"];
    assert_eq!((&data["data"]["key"], &data["metadata"]["version"]), (&json!(value), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn key_is_skipped_without_store_virtual_keys() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write");
    let sidecar = Sidecar::start(km, &[]).await?;
    let body = json!({ "alias": "a", "value": "v" });
    let response = sidecar.call("POST", "/km/v1/keys", body).await?.expect(200)?;
    assert_eq!(response.json()?, json!({ "skipped": true }));
    assert_eq!(fixture.get("litellm/a").await?.0, 404);
    Ok(())
}

/// A change invalidates the cached value.
#[tokio::test]
async fn changed_key_is_visible_at_once() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let path = format!("/v1/{}/data/litellm/a", fixture.mount);
    for value in [secret("one"), secret("two")] {
        let body = json!({ "value": value });
        sidecar.call("POST", "/km/v1/keys/a/rotate", body).await?.expect(200)?;
        let response = sidecar.get(&path).await?.expect(200)?;
        assert_eq!(response.json()?["data"]["data"]["key"], json!(value));
        // The key is cached, and still is not served as a provider secret.
        sidecar.get("/km/v1/secrets/litellm/a").await?.expect(403)?;
    }
    sidecar.call("DELETE", "/km/v1/keys/a", None).await?.expect(200)?;
    sidecar.get(&path).await?.expect(404)?;
    Ok(())
}
