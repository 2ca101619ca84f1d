//! Tests of the harness.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Engine, FixtureSpec, Flavor, Km, Raw, Server, secret};

#[tokio::test]
async fn shared_server_is_healthy() -> Result<()> {
    let server = Server::shared().await?;
    let (status, health) = server.raw().call("GET", "sys/health", None, None).await?;
    assert_eq!((status, &health["sealed"]), (200, &Value::Bool(false)));
    Ok(())
}

#[tokio::test]
async fn fixture_logs_in_by_approle_and_reads_only_its_mount() -> Result<()> {
    let server = Server::shared().await?;
    let (mine, other) = (server.fixture().await?, server.fixture().await?);
    let value = secret("value");
    mine.put("OPENAI_API_KEY", json!({ "key": value })).await?;
    let token = mine.login().await?;
    let read = async |mount: &str| {
        let path = format!("{mount}/data/OPENAI_API_KEY");
        server.raw().call("GET", &path, Some(&token), None).await
    };
    let (status, answer) = read(&mine.mount).await?;
    assert_eq!((status, &answer["data"]["data"]["key"]), (200, &json!(value)));
    assert_eq!(read(&other.mount).await?.0, 403);
    Ok(())
}

#[tokio::test]
async fn fixture_in_a_namespace_logs_in_and_reads_there() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let spec = |auth_mount: Option<&str>| FixtureSpec {
        under: Some("harness/child".to_owned()),
        login_namespace: Some("harness".to_owned()),
        auth_mount: auth_mount.map(str::to_owned),
        ..Default::default()
    };
    let other = server.fixture().await?;
    for auth_mount in [None, Some("team-approle")] {
        let fixture = server.fixture_with(spec(auth_mount)).await?;
        assert_eq!(fixture.mount, format!("harness/child/{}", fixture.mount_in_namespace()));
        fixture.put("name", json!({ "key": "v" })).await?;
        let own = format!("{}/data/name", fixture.mount);
        for token in [fixture.login().await?, fixture.token(json!({ "ttl": "1m" })).await?] {
            let (status, _) = server.raw().call("GET", &own, Some(&token), None).await?;
            assert_eq!(status, 200);
            let outside = format!("{}/data/name", other.mount);
            let (status, _) = server.raw().call("GET", &outside, Some(&token), None).await?;
            assert_eq!(status, 403);
        }
        // The path of the mount in its namespace does not exist in the root namespace.
        let outside = format!("{}/data/name", fixture.mount_in_namespace());
        assert_eq!(server.api("GET", &outside, None).await?.0, 404);
    }
    Ok(())
}

#[tokio::test]
async fn mount_below_team_segments_works() -> Result<()> {
    let spec = FixtureSpec { under: Some("teams/team-a".to_owned()), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    assert!(fixture.mount.starts_with("teams/team-a/kv-"), "{}", fixture.mount);
    fixture.put("folder/name", json!({ "key": "v" })).await?;
    assert_eq!(fixture.get("folder/name").await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn v1_mount_has_no_data_in_its_path() -> Result<()> {
    let server = Server::shared().await?;
    let fixture =
        server.fixture_with(FixtureSpec { engine: Engine::V1, ..Default::default() }).await?;
    server.must("POST", &format!("{}/name", fixture.mount), json!({ "key": "v" })).await?;
    let answer = server.must("GET", &format!("{}/name", fixture.mount), None).await?;
    assert_eq!(answer["data"], json!({ "key": "v" }));
    Ok(())
}

#[tokio::test]
async fn token_with_one_use_works_once() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let token = fixture.token(json!({ "num_uses": 1, "ttl": "1m" })).await?;
    let path = format!("{}/data/name", fixture.mount);
    for expected in [200, 403] {
        let (status, _) = server.raw().call("GET", &path, Some(&token), None).await?;
        assert_eq!(status, expected);
    }
    Ok(())
}

#[tokio::test]
async fn dedicated_server_seals_stops_and_keeps_its_data() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let health = async |server: &Server| server.api("GET", "sys/health", None).await;

    server.seal().await?;
    assert_eq!(health(&server).await?.0, 503);
    server.unseal().await?;

    server.stop().await?;
    assert!(health(&server).await.is_err(), "a stopped server answers nothing");
    server.start().await?;
    server.unseal().await?;

    server.kill().await?;
    assert!(health(&server).await.is_err(), "a killed server answers nothing");
    server.start().await?;
    server.unseal().await?;
    assert_eq!(fixture.get("name").await?.1["data"]["data"]["key"], "v");
    fixture.login().await.map(drop)?;
    Ok(())
}

#[tokio::test]
async fn suspended_server_is_silent_and_can_be_removed() -> Result<()> {
    let mut server = Server::dev_alone().await?;
    let patience = std::time::Duration::from_millis(500);
    server.freeze().await?;
    let silent = tokio::time::timeout(patience, server.api("GET", "sys/health", None)).await;
    assert!(silent.is_err(), "a frozen server answers nothing");
    server.thaw().await?;
    assert_eq!(server.api("GET", "sys/health", None).await?.0, 200);
    server.freeze().await
}

#[tokio::test]
async fn tls_server_accepts_a_login_by_certificate() -> Result<()> {
    let server = Server::tls().await?;
    let certs = server.certs()?;
    assert!(Raw::new(server.address())?.call("GET", "sys/health", None, None).await.is_err());

    server.api("POST", "sys/auth/cert", json!({ "type": "cert" })).await?;
    let role = json!({ "certificate": certs.client_ca(), "allowed_common_names": ["gateway"] });
    server.must("POST", "auth/cert/certs/harness", role).await?;
    for (name, accepted) in [("gateway", true), ("stranger", false)] {
        let identity = certs.client(name)?;
        let client = Raw::with_tls(server.address(), Some(&certs.ca()), Some(&identity))?;
        let login = client.login("cert/login", json!({ "name": "harness" })).await;
        assert_eq!(login.is_ok(), accepted, "{name}: {login:?}");
    }
    Ok(())
}

#[tokio::test]
async fn command_line_of_the_server_reads_stored_data() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let arguments = ["kv", "get", "-field=key", &format!("-mount={}", fixture.mount), "name"];
    match server.cli(&arguments).await {
        Ok(said) => assert_eq!(said.trim(), "v"),
        // The command line of a server that was running before is not available.
        Err(error) => assert!(format!("{error:#}").contains("elsewhere"), "{error:#}"),
    }
    Ok(())
}

#[tokio::test]
async fn program_is_found_and_runs() -> Result<()> {
    Km::new().args(["--help"]).run().await?.expect(0).map(drop)
}
