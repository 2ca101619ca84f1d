//! The Vault API compared with Vault: the same request has the same status and the same response.

use anyhow::Result;
use http_body_util::Full;
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Flavor, Server, secret};

use crate::relay::Relay;
use crate::serve::sidecar::Sidecar;

/// Fields that describe the server or the caller, which is the sidecar in one case.
const EXCLUDED: [&str; 4] = ["request_id", "created_by", "deleted_by", "last_updated_by"];

/// The field that the sidecar always has, and that most responses of OpenBao do not have.
const MOUNT_TYPE: &str = "mount_type";

/// Sends a request to both and compares the responses.
async fn assert_same(
    fixture: &Fixture,
    sidecar: &Sidecar,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Result<()> {
    let (status, expected) = fixture.server().api(method, path, body.clone()).await?;
    let actual = sidecar.call(method, &format!("/v1/{path}"), body).await?;
    assert_eq!(actual.status, status, "{method} {path}: {}", actual.text);
    let flavor = fixture.server().flavor();
    let (actual, expected) =
        (without_excluded(actual.json()?, flavor), without_excluded(expected, flavor));
    assert_eq!(actual, expected, "{method} {path}");
    Ok(())
}

/// Removes the fields that differ by design.
fn without_excluded(response: Value, flavor: Flavor) -> Value {
    let is_excluded =
        |name: &str| EXCLUDED.contains(&name) || flavor == Flavor::OpenBao && name == MOUNT_TYPE;
    match response {
        Value::Object(object) => {
            let kept = object.into_iter().filter(|(name, _)| !is_excluded(name));
            kept.map(|(name, value)| (name, without_excluded(value, flavor))).collect()
        }
        other => other,
    }
}

#[tokio::test]
async fn read_responses_are_equal_to_those_of_vault() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let fields = json!({ "key": secret("value"), "n": 1.50, "list": [1, "a"], "empty": "" });
    fixture.put("one", json!({ "key": "old" })).await?;
    fixture.put("one", fields).await?;
    fixture.put("folder/two", json!({})).await?;
    fixture.put("gone", json!({ "key": "v" })).await?;
    fixture.put("destroyed", json!({ "key": "v" })).await?;
    let (server, mount) = (fixture.server(), fixture.mount.as_str());
    server.must("DELETE", &format!("{mount}/data/gone"), None).await?;
    let version = json!({ "versions": [1] });
    server.must("PUT", &format!("{mount}/destroy/destroyed"), version).await?;
    let note = json!({ "custom_metadata": { "owner": "me" } });
    server.must("POST", &format!("{mount}/metadata/folder/two"), note).await?;
    for path in [
        "data/one",
        "data/one?version=1",
        "data/one?version=0",
        "data/one?version=9",
        "data/folder/two",
        "data/folder%2Ftwo",
        "data/gone",
        "data/destroyed",
        "data/absent",
        "metadata/one",
        "metadata/folder/two",
        "metadata/gone",
        "metadata/absent",
        "metadata?list=true",
        "metadata/?list=true",
        "metadata/folder?list=true",
        "metadata/folder/?list=true",
        "metadata/absent?list=true",
    ] {
        assert_same(&fixture, &sidecar, "GET", &format!("{mount}/{path}"), None).await?;
    }
    for path in ["metadata", "metadata/", "metadata/folder", "metadata/absent"] {
        assert_same(&fixture, &sidecar, "LIST", &format!("{mount}/{path}"), None).await?;
    }
    let [data, metadata] = ["data", "metadata"].map(|of| format!("{mount}/{of}/one"));
    let mounted = format!("sys/internal/ui/mounts/{mount}");
    for path in ["sys/health", "auth/token/lookup-self", &data, &metadata, &mounted] {
        assert_same(&fixture, &sidecar, "HEAD", path, None).await?;
    }
    Ok(())
}

#[tokio::test]
async fn write_responses_are_equal_to_those_of_vault() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let mount = &fixture.mount;
    let data = |name: &str| format!("/v1/{mount}/data/{name}");
    for (method, version) in [("POST", 1), ("PUT", 2)] {
        let fields = json!({ "key": secret("value"), "n": 2, "nested": { "a": [true, null] } });
        let body = json!({ "data": fields, "options": {} });
        let response = sidecar.call(method, &data("one"), body).await?.expect(200)?.json()?;
        let (_, stored) = fixture.get("one").await?;
        assert_eq!(stored["data"]["data"], fields);
        assert_eq!(stored["data"]["metadata"], response["data"]);
        assert_eq!(response["data"]["version"], version);
    }
    for cas in [0, 1, 3] {
        let body = json!({ "data": { "key": "v" }, "options": { "cas": cas } });
        let path = format!("{mount}/data/one");
        assert_same(&fixture, &sidecar, "POST", &path, Some(body)).await?;
    }
    let body = json!({ "data": { "key": "v" }, "options": { "cas": 2 } });
    sidecar.call("POST", &data("one"), body).await?.expect(200)?;
    for body in [json!({}), json!({ "options": { "cas": 0 } })] {
        assert_same(&fixture, &sidecar, "POST", &format!("{mount}/data/one"), Some(body)).await?;
    }
    for body in [json!([]), json!({ "data": "text" }), json!("text")] {
        sidecar.call("POST", &data("one"), body).await?.expect(400)?;
    }
    let config = json!({ "cas_required": true, "max_versions": 7 });
    let metadata = format!("{mount}/metadata/one");
    sidecar.call("POST", &format!("/v1/{metadata}"), config).await?.expect(204)?;
    let body = json!({ "data": { "key": "v" } });
    assert_same(&fixture, &sidecar, "PUT", &format!("{mount}/data/one"), Some(body)).await?;
    assert_same(&fixture, &sidecar, "GET", &metadata, None).await?;
    sidecar.call("DELETE", &data("one"), None).await?.expect(204)?;
    assert_same(&fixture, &sidecar, "GET", &format!("{mount}/data/one"), None).await?;
    sidecar.call("DELETE", &format!("/v1/{metadata}"), None).await?.expect(204)?;
    assert_same(&fixture, &sidecar, "GET", &metadata, None).await?;
    assert_same(&fixture, &sidecar, "DELETE", &format!("{mount}/data/never"), None).await
}

#[tokio::test]
async fn read_response_reports_source_and_age() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    fixture.put("one", json!({ "key": "v" })).await?;
    let relay = Relay::to(server.address(), "").await?;
    let km = fixture.km().env("HCP_VAULT_ADDR", relay.address());
    let sidecar = Sidecar::start(km.env("KM_ACCESS_MODE", "read_and_write"), &[]).await?;
    let path = format!("/v1/{}/data/one", fixture.mount);
    for source in ["vault", "cache", "cache"] {
        let response = sidecar.get(&path).await?.expect(200)?;
        assert_eq!(response.header("x-km-source"), source);
        assert!(response.header("age").parse::<u64>().is_ok(), "{:?}", response.headers);
        assert_eq!(response.header("cache-control"), "no-store");
    }
    let before = relay.requests();
    sidecar.get(&path).await?.expect(200)?;
    assert_eq!(relay.requests(), before, "a cached value caused a request");
    let value = secret("value");
    sidecar.call("POST", &path, json!({ "data": { "key": value } })).await?.expect(200)?;
    let response = sidecar.get(&path).await?.expect(200)?;
    assert_eq!(
        response.json()?["data"]["data"]["key"],
        json!(value),
        "the old value was served after a write"
    );
    Ok(())
}

/// Fails unless the response is Vault's 403.
async fn forbidden(sidecar: &Sidecar, method: &str, path: &str) -> Result<()> {
    let body = (method == "POST").then(|| json!({ "data": { "key": "v" } }));
    let response = sidecar.call(method, path, body).await?.expect(403)?;
    let first = &response.json()?["errors"][0];
    assert_eq!(first, "1 error occurred:\n\t* permission denied\n\n", "{method} {path}");
    Ok(())
}

#[tokio::test]
async fn paths_outside_the_configured_location_are_forbidden() -> Result<()> {
    let server = Server::shared().await?;
    let spec = || FixtureSpec { under: Some("teams/a".to_owned()), ..FixtureSpec::default() };
    let (fixture, other) = (server.fixture_with(spec()).await?, server.fixture().await?);
    other.put("one", json!({ "key": "v" })).await?;
    fixture.put("apps/one", json!({ "key": "v" })).await?;
    let (namespace, mount) = fixture.mount.rsplit_once('/').unwrap_or_default();
    let km = fixture.km().env("HCP_VAULT_SECRET_NAMESPACE", namespace);
    let km = km.env("HCP_VAULT_MOUNT_NAME", mount).env("HCP_VAULT_PATH_PREFIX", "apps");
    let sidecar = Sidecar::start(km.env("KM_ACCESS_MODE", "read_and_write"), &[]).await?;
    let full = &fixture.mount;
    for (method, path) in [
        ("GET", format!("/v1/{}/data/one", other.mount)),
        ("GET", format!("/v1/{mount}/data/apps/one")),
        ("GET", format!("/v1/{full}/data/one")),
        ("GET", format!("/v1/{full}/data/apps-two/one")),
        ("POST", format!("/v1/{full}/data/one")),
        ("DELETE", format!("/v1/{full}/data/one")),
        ("LIST", format!("/v1/{full}/metadata")),
        ("GET", format!("/v1/{full}/metadata/one")),
        ("GET", format!("/v1/{full}/config")),
        ("POST", format!("/v1/{full}/destroy/apps/one")),
        ("GET", "/v1/sys/mounts".to_owned()),
        ("POST", "/v1/auth/approle/login".to_owned()),
        ("GET", format!("/v1/sys/internal/ui/mounts/{}", other.mount)),
        ("GET", format!("/v1/x/../{full}/data/apps/one")),
    ] {
        forbidden(&sidecar, method, &path).await?;
    }
    for path in ["../one", "%2e%2e/one", "a//b", "a/", "."] {
        sidecar.get(&format!("/v1/{full}/data/apps/{path}")).await?.expect(400)?;
    }
    // The namespace is given in the path or in the header.
    sidecar.get(&format!("/v1/{full}/data/apps/one")).await?.expect(200)?;
    for value in [namespace, &format!("{namespace}/")] {
        let request = sidecar.request("GET", &format!("/v1/{mount}/data/apps/one"));
        let request = request.header("x-vault-namespace", value).body(Full::default())?;
        sidecar.send(request).await?.expect(200)?;
    }
    let (status, _) = fixture.get("one").await?;
    assert_eq!(status, 404, "something was written");
    Ok(())
}

#[tokio::test]
async fn access_mode_is_enforced_in_the_vault_api() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("one", json!({ "key": "v" })).await?;
    let (data, metadata) =
        (format!("/v1/{}/data/one", fixture.mount), format!("/v1/{}/metadata", fixture.mount));
    let reads = [("GET", &data), ("LIST", &metadata)];
    let writes = [("POST", &data), ("DELETE", &data)];
    for (mode, allowed, refused) in [("read_only", reads, writes), ("write_only", writes, reads)] {
        let km = fixture.km().env("KM_ACCESS_MODE", mode);
        let sidecar = Sidecar::start(km, &[]).await?;
        for (method, path) in refused {
            forbidden(&sidecar, method, path).await?;
        }
        for (method, path) in allowed {
            let body = (method == "POST").then(|| json!({ "data": { "key": "v" } }));
            let status = sidecar.call(method, path, body).await?.status;
            assert!(status == 200 || status == 204, "{mode}: {method} {path}: {status}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn health_token_lookup_and_mount_requests_are_answered() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let health = sidecar.get("/v1/sys/health").await?.expect(200)?.json()?;
    assert_eq!((&health["initialized"], &health["sealed"]), (&json!(true), &json!(false)));
    let token = sidecar.get("/v1/auth/token/lookup-self").await?.expect(200)?;
    assert!(
        !token.text.contains(sidecar.token.as_deref().unwrap_or("?")),
        "the response contains the token"
    );
    assert_eq!(token.json()?["data"]["ttl"], 0);
    for below in ["", "/", "/one", "/data/one"] {
        let path = format!("/v1/sys/internal/ui/mounts/{}{below}", fixture.mount);
        let mount = sidecar.get(&path).await?.expect(200)?.json()?;
        assert_eq!(mount["data"]["path"], json!(format!("{}/", fixture.mount)));
        assert_eq!(mount["data"]["options"]["version"], "2");
    }
    let path = format!("/v1/{}/data/one", fixture.mount);
    sidecar.call("PATCH", &path, json!({})).await?.expect(405).map(drop)
}

#[tokio::test]
async fn hosted_keys_limit_reads_and_writes_of_provider_secrets() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let names = ["HOSTED", "OTHER", "deep/HOSTED", "deep/OTHER", "other/A", "litellm/alias"];
    for name in names.into_iter().chain(["team/litellm/alias"]) {
        fixture.put(name, json!({ "key": "v" })).await?;
    }
    let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write");
    let km = km.env("KM_HOSTED_KEYS", "HOSTED,deep/HOSTED");
    let sidecar = Sidecar::start(km, &[]).await?;
    let at = |endpoint: &str, name: &str| format!("/v1/{}/{endpoint}/{name}", fixture.mount);
    for name in ["OTHER", "deep/OTHER", "other/A", "HOSTED/x", "hosted", "litellm"] {
        for (method, endpoint) in [
            ("GET", "data"),
            ("POST", "data"),
            ("DELETE", "data"),
            ("GET", "metadata"),
            ("DELETE", "metadata"),
        ] {
            forbidden(&sidecar, method, &at(endpoint, name)).await?;
        }
        forbidden(&sidecar, "GET", &format!("{}?version=1", at("data", name))).await?;
    }
    assert_eq!(fixture.get("OTHER").await?.1["data"]["metadata"]["version"], 1);
    // Hosted names and virtual keys are accessible.
    for name in ["HOSTED", "deep/HOSTED", "litellm/alias", "team/litellm/alias"] {
        sidecar.get(&at("data", name)).await?.expect(200)?;
        sidecar.get(&at("metadata", name)).await?.expect(200)?;
        let body = json!({ "data": { "key": "new" } });
        sidecar.call("POST", &at("data", name), body).await?.expect(200)?;
        sidecar.call("DELETE", &at("data", name), None).await?.expect(204)?;
    }
    for (folder, expected) in [
        ("", json!(["HOSTED", "deep/", "litellm/"])),
        ("deep", json!(["HOSTED"])),
        ("litellm", json!(["alias"])),
        ("team/litellm", json!(["alias"])),
    ] {
        let response = sidecar.call("LIST", &at("metadata", folder), None).await?.expect(200)?;
        assert_eq!(response.json()?["data"]["keys"], expected, "{folder}");
    }
    sidecar.call("LIST", &at("metadata", "other"), None).await?.expect(404).map(drop)
}

#[tokio::test]
async fn empty_hosted_keys_do_not_affect_virtual_keys() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("apps/OTHER", json!({ "key": "v" })).await?;
    let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write").env("KM_HOSTED_KEYS", "");
    let sidecar = Sidecar::start(km.env("HCP_VAULT_PATH_PREFIX", "apps"), &[]).await?;
    let at = |name: &str| format!("/v1/{}/data/apps/{name}", fixture.mount);
    forbidden(&sidecar, "GET", &at("OTHER")).await?;
    let body = json!({ "data": { "key": "v" } });
    sidecar.call("POST", &at("litellm/a"), body).await?.expect(200)?;
    let folder = format!("/v1/{}/metadata/apps", fixture.mount);
    let response = sidecar.call("LIST", &folder, None).await?.expect(200)?;
    assert_eq!(response.json()?["data"]["keys"], json!(["litellm/"]));
    Ok(())
}
