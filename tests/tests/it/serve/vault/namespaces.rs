//! The forms of a namespace in the Vault API: in a header, at the beginning of the path, and in
//! parts in both.

use anyhow::{Context as _, Result};
use http_body_util::Full;
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Flavor, Server, secret};

use crate::serve::client::Response;
use crate::serve::sidecar::Sidecar;

/// A namespace in the header, if any, and a path after `/v1/`.
type Form<'a> = (Option<&'a str>, String);

async fn sidecar(fixture: &Fixture) -> Result<Sidecar> {
    let mount = fixture.mount_in_namespace();
    let km = fixture.km().env("HCP_VAULT_MOUNT_NAME", mount);
    let km = km.env("HCP_VAULT_SECRET_NAMESPACE", &fixture.namespace);
    Sidecar::start(km.env("KM_ACCESS_MODE", "read_and_write"), &[]).await
}

async fn send(sidecar: &Sidecar, method: &str, form: &Form<'_>) -> Result<Response> {
    let (namespace, path) = form;
    let request = sidecar.request(method, &format!("/v1/{path}"));
    let request = match namespace {
        Some(namespace) => request.header("x-vault-namespace", *namespace),
        None => request,
    };
    let body = match method {
        "POST" => json!({ "data": { "key": "v" } }).to_string(),
        _ => String::new(),
    };
    sidecar.send(request.body(Full::from(body))?).await
}

/// Returns every form that names a path in the namespace `teams/team-a`.
fn forms(path: &str) -> Vec<Form<'static>> {
    let forms = [
        (None, "teams/team-a/"),
        (Some("teams/team-a"), ""),
        (Some("/teams/team-a/"), ""),
        (Some("teams//team-a"), ""),
        (Some("teams"), "team-a/"),
        (Some(""), "teams/team-a/"),
        (Some("root"), "teams/team-a/"),
    ];
    forms.map(|(namespace, head)| (namespace, format!("{head}{path}"))).into()
}

/// Returns forms that name a path in another namespace.
fn foreign_forms(path: &str) -> Vec<Form<'static>> {
    let forms = [
        (None, ""),
        (None, "teams/"),
        (None, "teams/team-b/"),
        (Some("teams"), ""),
        (Some("teams"), "teams/team-a/"),
        (Some("teams"), "team-b/"),
        (Some("teams/team-b"), ""),
        (Some("teams/team-a"), "teams/team-a/"),
        (Some("teams/team-a"), "team-a/"),
        (Some("teams/team-a/child"), ""),
        (Some("Teams/team-a"), ""),
        (Some("teams/team-a/.."), "team-a/"),
        (Some("teams/team-b/../team-a"), ""),
        (Some("teams%2Fteam-a"), ""),
        (Some("nowhere"), ""),
        (Some("nowhere"), "teams/team-a/"),
    ];
    forms.map(|(namespace, head)| (namespace, format!("{head}{path}"))).into()
}

async fn fixture(server: &Server) -> Result<Fixture> {
    let under = Some("teams/team-a".to_owned());
    server.fixture_with(FixtureSpec { under, ..FixtureSpec::default() }).await
}

#[tokio::test]
async fn namespace_is_accepted_in_the_header_the_path_and_both() -> Result<()> {
    let fixture = fixture(Server::shared().await?).await?;
    let sidecar = sidecar(&fixture).await?;
    let (mount, value) = (fixture.mount_in_namespace(), secret("value"));
    fixture.put("one", json!({ "key": value })).await?;
    for form in forms(&format!("{mount}/data/one")) {
        let response = send(&sidecar, "GET", &form).await?.expect(200)?;
        assert_eq!(response.json()?["data"]["data"]["key"], json!(value), "{form:?}");
    }
    for form in forms(&format!("{mount}/metadata/")) {
        let response = send(&sidecar, "LIST", &form).await?.expect(200)?;
        assert_eq!(response.json()?["data"]["keys"], json!(["one"]), "{form:?}");
    }
    for form in forms(&format!("{mount}/data/two")) {
        send(&sidecar, "POST", &form).await?.expect(200)?;
        assert_eq!(fixture.get("two").await?.1["data"]["data"], json!({ "key": "v" }), "{form:?}");
        send(&sidecar, "DELETE", &form).await?.expect(204)?;
        assert_eq!(fixture.get("two").await?.0, 404, "{form:?}");
    }
    for path in ["sys/health", "auth/token/lookup-self"] {
        for form in forms(path) {
            send(&sidecar, "GET", &form).await?.expect(200)?;
        }
        send(&sidecar, "GET", &(None, path.to_owned())).await?.expect(200)?;
    }
    Ok(())
}

#[tokio::test]
async fn wrong_namespace_is_forbidden_in_vaults_form() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = fixture(server).await?;
    let sidecar = sidecar(&fixture).await?;
    let mount = fixture.mount_in_namespace();
    fixture.put("one", json!({ "key": "v" })).await?;
    for (method, path) in [
        ("GET", format!("{mount}/data/one")),
        ("POST", format!("{mount}/data/one")),
        ("DELETE", format!("{mount}/data/one")),
        ("LIST", format!("{mount}/metadata/")),
        ("GET", format!("sys/internal/ui/mounts/{mount}")),
    ] {
        for form in foreign_forms(&path) {
            let response = send(&sidecar, method, &form).await?;
            let response = response.expect(403).with_context(|| format!("{method} {form:?}"))?;
            let first = &response.json()?["errors"][0];
            assert_eq!(first, "1 error occurred:\n\t* permission denied\n\n", "{method} {form:?}");
        }
    }
    for path in ["sys/health", "auth/token/lookup-self"] {
        for namespace in ["teams/team-b", "nowhere", "teams/team-a/child"] {
            send(&sidecar, "GET", &(Some(namespace), path.to_owned())).await?.expect(403)?;
        }
    }
    // Two headers, and one that is not text.
    let path = format!("/v1/{mount}/data/one");
    for values in [&[b"teams/team-a".as_slice(), b"teams/team-a"][..], &[b"teams/team-a\xff"]] {
        let request = sidecar.request("GET", &path);
        let add = |request: http::request::Builder, value: &&[u8]| {
            request.header("x-vault-namespace", *value)
        };
        let request = values.iter().fold(request, add).body(Full::default())?;
        sidecar.send(request).await?.expect(403)?;
    }
    assert_eq!(fixture.get("one").await?.1["data"]["metadata"]["version"], 1);
    Ok(())
}

/// The responses about a mount are those of the server, because command lines derive their paths
/// from them.
#[tokio::test]
async fn mount_is_described_as_the_server_describes_it() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let fixture = fixture(server).await?;
    let sidecar = sidecar(&fixture).await?;
    let mount = fixture.mount_in_namespace();
    for (namespace, path) in [
        (None, format!("sys/internal/ui/mounts/teams/team-a/{mount}")),
        (None, format!("teams/team-a/sys/internal/ui/mounts/{mount}")),
        (Some("teams/team-a"), format!("sys/internal/ui/mounts/{mount}")),
        (Some("teams"), format!("team-a/sys/internal/ui/mounts/{mount}")),
    ] {
        let mut headers = vec![("X-Vault-Token", server.root_token())];
        headers.extend(namespace.map(|namespace| ("X-Vault-Namespace", namespace)));
        let (status, expected) = server.raw().exchange("GET", &path, &headers, None).await?;
        assert_eq!(status, 200, "{namespace:?} {path}: {expected}");
        let actual = send(&sidecar, "GET", &(namespace, path.clone())).await?.expect(200)?;
        let part = |document: &Value| {
            let data = &document["data"];
            (data["path"].clone(), data["type"].clone(), data["options"].clone())
        };
        assert_eq!(part(&actual.json()?), part(&expected), "{namespace:?} {path}");
    }
    // Relative to the header, while OpenBao's is relative to the root.
    let path = format!("sys/internal/ui/mounts/team-a/{mount}");
    let response = send(&sidecar, "GET", &(Some("teams"), path)).await?.expect(200)?;
    assert_eq!(response.json()?["data"]["path"], json!(format!("team-a/{mount}/")));
    Ok(())
}
