//! Provider secrets in the native API.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, Server, secret};

use crate::cli::common::{contains_all, file};
use crate::relay::Relay;
use crate::serve::sidecar::Sidecar;

#[tokio::test]
async fn secret_is_returned_with_version_and_age() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": "old" })).await?;
    fixture.put("ONE", json!({ "key": value })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    for reference in ["ONE", "os.environ/ONE", "os.environ%2FONE"] {
        let response = sidecar.get(&format!("/km/v1/secrets/{reference}")).await?.expect(200)?;
        assert_eq!(response.header("cache-control"), "no-store");
        assert_eq!(response.header("content-type"), "application/json");
        let mut document = response.json()?;
        assert!(document["age_seconds"].take().is_u64(), "{reference}");
        let source = if reference == "ONE" { "vault" } else { "cache" };
        let expected = json!({
            "value": value, "version": 2, "age_seconds": null, "stale": false, "source": source,
        });
        assert_eq!(document, expected);
    }
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn names_are_percent_decoded_once() -> Result<()> {
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
        let response = sidecar.get(&format!("/km/v1/secrets/{path}")).await?.expect(200)?;
        assert_eq!(response.json()?["value"], json!(value), "{path}");
    }
    for path in ["..", "%2e%2e/x", "a//b", "a/", "%00", "%FF", "a%0Ab", "oidc/google"] {
        let response = sidecar.get(&format!("/km/v1/secrets/{path}")).await?.expect(400)?;
        assert_eq!(response.json()?["error"]["kind"], "usage", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn each_failure_has_its_status_and_kind() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("NUMBER", json!({ "key": 1 })).await?;
    let sidecar = Sidecar::start(fixture.km(), &[]).await?;
    for (method, path, status, kind) in [
        ("GET", "/km/v1/secrets/ABSENT", 404, "not_found"),
        ("GET", "/km/v1/secrets/litellm/alias", 403, "denied"),
        ("GET", "/km/v1/secrets/litellm%2Falias", 403, "denied"),
        ("GET", "/km/v1/secrets/os.environ/litellm/alias", 403, "denied"),
        ("GET", "/km/v1/secrets/team/litellm/alias", 403, "denied"),
        ("GET", "/km/v1/secrets/NUMBER", 422, "stored_value"),
        ("GET", "/km/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("POST", "/km/v1/secrets/ABSENT", 405, "usage"),
        ("DELETE", "/km/v1/keys/ABSENT", 403, "denied"),
    ] {
        let response = sidecar.call(method, path, None).await?.expect(status)?;
        let document = response.json()?;
        let error = document["error"].as_object().expect("an error");
        let names: Vec<_> = error.keys().map(String::as_str).collect();
        assert_eq!(names, ["hint", "kind", "message"], "{path}");
        assert_eq!(error["kind"], kind, "{path}");
    }
    Ok(())
}

/// Variables of the process: its login, plain settings, and others.
const VARIABLES: [&str; 8] = [
    "HCP_VAULT_APPROLE_SECRET_ID",
    "HCP_VAULT_ADDR",
    "KM_ACCESS_MODE",
    "VAULT_TOKEN",
    "BAO_TOKEN",
    "SSL_CERT_FILE",
    "SECRET_MANAGER_REFRESH_INTERVAL",
    "LEAK_ME",
];

/// Returns the name in every spelling that the API accepts.
fn spellings(name: &str) -> [String; 5] {
    let bytes: Vec<_> = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let encoded = bytes.concat();
    let lower = name.to_ascii_lowercase();
    [name.to_owned(), format!("os.environ/{name}"), format!("os.environ%2F{name}"), encoded, lower]
}

async fn sidecar_with(settings: &[(&str, &str)], config: &str) -> Result<(Sidecar, Fixture)> {
    let fixture = Server::shared().await?.fixture().await?;
    let (_directory, config) = file(config)?;
    let km = fixture.km().env("LEAK_ME", "plain").env("ALSO", "other");
    let km = km.env("VAULT_TOKEN", secret("vault")).env("BAO_TOKEN", secret("bao"));
    let km = km.env("SECRET_MANAGER_REFRESH_INTERVAL", "60");
    let km = settings.iter().fold(km, |km, (name, value)| km.env(name, value));
    let km = km.args(["--config"]).args([&config]);
    Ok((Sidecar::start(km, &[]).await?, fixture))
}

#[tokio::test]
async fn environment_is_not_served_without_a_fallback() -> Result<()> {
    for settings in [
        &[][..],
        &[("KM_FALLBACK", "never"), ("KM_HOSTED_KEYS", "OPENAI_API_KEY")],
        &[("KM_HOSTED_KEYS", "OPENAI_API_KEY")],
        &[("KM_HOSTED_KEYS", "")],
        &[("KM_ACCESS_MODE", "write_only")],
        &[("KM_ACCESS_MODE", "write_only"), ("KM_FALLBACK", "never")],
    ] {
        let (sidecar, fixture) = sidecar_with(settings, "key: os.environ/LEAK_ME\n").await?;
        for name in VARIABLES.into_iter().chain(["PATH", "ALSO"]).flat_map(spellings) {
            let response = sidecar.get(&format!("/km/v1/secrets/{name}")).await?.expect(404)?;
            assert_eq!(response.json()?["error"]["kind"], "not_found", "{name}, {settings:?}");
            let path = format!("/v1/{}/data/{name}", fixture.mount);
            let status = sidecar.get(&path).await?.status;
            assert!(matches!(status, 403 | 404), "{path}, {settings:?}: {status}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn explicit_fallback_serves_only_referenced_names() -> Result<()> {
    let file = |km: &str| {
        let names = VARIABLES.map(|name| format!("os.environ/{name}")).join(", ");
        format!("keys: [{names}]\ngeneral_settings: {{key_management_settings: {{{km}}}}}\n")
    };
    let hosted = ("KM_HOSTED_KEYS", "OTHER");
    for (settings, km) in [
        (&[("KM_FALLBACK", "on_missing")][..], ""),
        (&[("KM_FALLBACK", "on_error")], ""),
        (&[], "km: {fallback: on_missing}"),
        (&[("KM_FALLBACK", "on_missing"), hosted], ""),
        (&[("KM_FALLBACK", "on_missing"), ("KM_ACCESS_MODE", "write_only")], ""),
    ] {
        let (sidecar, _fixture) = sidecar_with(settings, &file(km)).await?;
        let response = sidecar.get("/km/v1/secrets/LEAK_ME").await?.expect(200)?;
        let expected = json!({
            "value": "plain", "version": null, "age_seconds": 0, "stale": false,
            "source": "environment",
        });
        assert_eq!(response.json()?, expected);
        sidecar.get("/km/v1/secrets/LEAK_ME?refresh=true").await?.expect(200)?;
        let reserved = VARIABLES.into_iter().filter(|name| *name != "LEAK_ME");
        for name in reserved.chain(["PATH", "ALSO", "OTHER"]).flat_map(spellings) {
            let response = sidecar.get(&format!("/km/v1/secrets/{name}")).await?.expect(404)?;
            assert_eq!(response.json()?["error"]["kind"], "not_found", "{name}, {settings:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn key_folder_among_provider_secrets_prevents_the_start() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = |store: &str| {
        let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write");
        let km = km.env("KM_STORE_VIRTUAL_KEYS", store);
        km.env("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", "")
    };
    let serve = ["serve", "--listen", "127.0.0.1:0", "--danger-no-token"];
    let refused = km("true").args(serve).run().await?.expect(2)?;
    contains_all(&refused.stderr, &["among the provider secrets", "KM_DANGER_SHARED_KEY_FOLDER"])?;
    // Where no keys are stored it starts, and rejects every change of a key.
    let sidecar = Sidecar::start(km("false"), &[]).await?;
    fixture.put("OPENAI_API_KEY", json!({ "key": "provider" })).await?;
    for (method, path, body) in [
        ("POST", "/km/v1/keys", json!({ "alias": "OPENAI_API_KEY", "value": "v" })),
        ("POST", "/km/v1/keys/OPENAI_API_KEY/rotate", json!({ "value": "v" })),
        ("POST", "/km/v1/keys/OPENAI_API_KEY/rename", json!({ "to": "b" })),
        ("DELETE", "/km/v1/keys/OPENAI_API_KEY", json!({})),
    ] {
        let response = sidecar.call(method, path, body).await?.expect(400)?;
        assert_eq!(response.json()?["error"]["kind"], "settings", "{method} {path}");
    }
    let chosen = km("true").env("KM_DANGER_SHARED_KEY_FOLDER", "true");
    let sidecar = Sidecar::start(chosen.env("KM_HOSTED_KEYS", "OPENAI_API_KEY"), &[]).await?;
    let body = json!({ "alias": "OPENAI_API_KEY", "value": "v" });
    sidecar.call("POST", "/km/v1/keys", body).await?.expect(403)?;
    let body = json!({ "alias": "other", "value": "v" });
    sidecar.call("POST", "/km/v1/keys", body).await?.expect(200)?;
    assert_eq!(fixture.get("OPENAI_API_KEY").await?.1["data"]["data"]["key"], "provider");
    Ok(())
}

#[tokio::test]
async fn unreachable_vault_serves_stale_values_and_503_otherwise() -> Result<()> {
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
        let response = sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
        let stale = sidecar.get(&path).await?.expect(200)?;
        let response = response.json()?;
        let is_stale = response["stale"] == true;
        assert_eq!(is_stale, response["source"] == "stale");
        Ok(is_stale && stale.header("x-km-source") == "stale")
    })
    .await?;
    let response = sidecar.get("/km/v1/secrets/TWO").await?.expect(503)?;
    assert_eq!(response.header("retry-after"), "1");
    assert_eq!(response.json()?["error"]["kind"], "unavailable");
    let response = sidecar.get(&format!("/v1/{}/data/TWO", fixture.mount)).await?.expect(503)?;
    assert!(response.json()?["errors"].is_array());
    sidecar.get("/readyz").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn cached_value_needs_no_request() -> Result<()> {
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
