//! Request limits: many, slow, large and half-closed ones. Other clients are not affected.

use std::sync::Arc;

use anyhow::Result;
use http_body_util::Full;
use serde_json::json;
use testkit::{Server, secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::cli::common::km_against;
use crate::cli::listener::{LOOKUP_SELF, token_data};
use crate::relay::Relay;
use crate::serve::sidecar::Sidecar;

#[tokio::test]
async fn concurrent_requests_for_an_uncached_name_are_one_read() -> Result<()> {
    const REQUESTS: usize = 1_000;
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    for (name, path) in [
        ("OWN", "/km/v1/secrets/OWN".to_owned()),
        ("VAULT", format!("/v1/{}/data/VAULT", fixture.mount)),
    ] {
        fixture.put(name, json!({ "key": value })).await?;
        let relay = Relay::to(server.address(), "").await?;
        let km = fixture.km().env("HCP_VAULT_ADDR", relay.address()).env("KM_DEADLINE", "30s");
        let sidecar = Arc::new(Sidecar::start(km, &[]).await?);
        // The login must not be counted.
        sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
        sidecar.get(&format!("/v1/{}/data/ABSENT", fixture.mount)).await?.expect(404)?;
        let before = relay.requests();
        let mut calls = JoinSet::new();
        for _ in 0..REQUESTS {
            let (sidecar, path) = (Arc::clone(&sidecar), path.clone());
            calls.spawn(async move { sidecar.get(&path).await });
        }
        let mut succeeded = 0;
        while let Some(call) = calls.join_next().await {
            let response = call??.expect(200)?;
            assert!(response.text.contains(&value));
            succeeded += 1;
        }
        assert_eq!((succeeded, relay.requests() - before), (REQUESTS, 1), "{name}");
    }
    Ok(())
}

/// Covers heads and bodies that never end, and half-closed connections.
#[tokio::test]
async fn slow_clients_do_not_delay_others() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let (token, host) = (sidecar.token.clone().unwrap_or_default(), sidecar.host());
    let begins = [
        String::new(),
        "GET /km".to_owned(),
        format!("GET /km/v1/secrets/ONE HTTP/1.1\r\nhost: {host}\r\nx-vault-token: {token}\r\n"),
        format!(
            "POST /km/v1/keys HTTP/1.1\r\nhost: {host}\r\nx-vault-token: {token}\r\n\
             content-length: 1000\r\n\r\n{{"
        ),
    ];
    let mut slow = Vec::new();
    for begin in &begins {
        for half_closed in [false, true] {
            for _ in 0..20 {
                let mut stream = TcpStream::connect(&sidecar.address).await?;
                stream.write_all(begin.as_bytes()).await?;
                if half_closed {
                    stream.shutdown().await?;
                }
                slow.push(stream);
            }
        }
        sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    }
    // Every one of them is closed eventually.
    for stream in &mut slow {
        let mut rest = Vec::new();
        // A connection that is reset is closed as well.
        let _ = stream.read_to_end(&mut rest).await;
    }
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn oversized_heads_and_bodies_are_rejected() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let huge = sidecar.request("GET", "/km/v1/secrets/ONE").header("x-huge", "x".repeat(400_000));
    sidecar.send(huge.body(Full::default())?).await?.expect(431)?;
    let many = (0..200).fold(sidecar.request("GET", "/km/v1/secrets/ONE"), |request, number| {
        request.header(format!("x-{number}"), "x")
    });
    sidecar.send(many.body(Full::default())?).await?.expect(431)?;
    let path = format!("/v1/{}/data/LARGE", fixture.mount);
    for (path, field) in [("/km/v1/keys", "value"), (path.as_str(), "data")] {
        let body = json!({ field: "x".repeat(1024 * 1024) }).to_string();
        let request = sidecar.request("POST", path).body(Full::from(body))?;
        // A client would retry after a 503.
        let response = sidecar.send(request).await?.expect(413)?;
        assert_eq!(response.header("retry-after"), "");
        assert!(response.text.contains("larger than 1 MiB"), "{}", response.text);
    }
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let (status, _) = fixture.get("LARGE").await?;
    assert_eq!(status, 404);
    // The largest value is accepted.
    let value = "x".repeat(768 * 1024);
    let body = json!({ "data": { "key": value } });
    sidecar.call("POST", &path, body).await?.expect(200)?;
    let response = sidecar.get(&path).await?.expect(200)?;
    assert_eq!(response.json()?["data"]["data"]["key"], json!(value));
    Ok(())
}

/// A server whose responses never end costs ten seconds, whatever the deadline is.
#[tokio::test]
async fn request_times_out_after_ten_seconds() -> Result<()> {
    let (address, _server) = incomplete_responses().await?;
    let km = km_against(&address).env("KM_DEADLINE", "60s");
    let sidecar = Sidecar::start(km.env("KM_ACCESS_MODE", "read_and_write"), &[]).await?;
    let write = json!({ "data": { "key": "v" } });
    let (native, vault, listed, listed_by_get, written) = tokio::join!(
        sidecar.get("/km/v1/secrets/ONE"),
        sidecar.get("/v1/secret/data/ONE"),
        sidecar.call("LIST", "/v1/secret/metadata", None),
        sidecar.get("/v1/secret/metadata?list=true"),
        sidecar.call("PUT", "/v1/secret/data/ONE", write),
    );
    let native = native?.expect(503)?;
    assert_eq!(native.header("retry-after"), "1");
    assert_eq!(native.json()?["error"]["kind"], "unavailable");
    for read in [vault, listed, listed_by_get] {
        let read = read?.expect(503)?;
        assert_eq!(read.header("retry-after"), "1");
        assert!(!read.text.contains("may have been"), "{}", read.text);
        assert!(read.json()?["errors"].is_array());
    }
    // A write that may have been executed is not reported as unavailable.
    assert!(written?.expect(500)?.json()?["errors"].is_array());
    Ok(())
}

/// Starts a server that responds to requests for the mount type, and only begins every other
/// response.
async fn incomplete_responses() -> Result<(String, JoinSet<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(async move { drop(respond_incompletely(stream).await) });
        }
    });
    Ok((address, tasks))
}

async fn respond_incompletely(mut stream: TcpStream) -> Result<()> {
    let mount =
        json!({ "data": { "path": "secret/", "type": "kv", "options": { "version": "2" } } })
            .to_string();
    let token = token_data().to_string();
    let mut chunk = [0; 4 * 1024];
    loop {
        let length = stream.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        let (length, body) = match &chunk {
            chunk if chunk.starts_with(b"GET /v1/sys/internal/ui/mounts") => (mount.len(), &*mount),
            chunk if chunk.starts_with(LOOKUP_SELF.as_bytes()) => (token.len(), &*token),
            _ => (1_000, "{"),
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        let response = format!("{head}content-length: {length}\r\n\r\n{body}");
        stream.write_all(response.as_bytes()).await?;
    }
}
