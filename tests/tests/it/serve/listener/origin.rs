//! Requests that come from web pages or through proxies: `Host`, `Origin` and the headers of
//! proxies.

use anyhow::{Result, ensure};
use http::Request;
use http_body_util::Full;
use serde_json::json;
use testkit::{Km, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::serve::client::send;
use crate::serve::sidecar::Sidecar;

const FOREIGN: [(&str, &str); 11] = [
    ("host", "evil.example"),
    ("host", ""),
    ("origin", "http://evil.example"),
    ("origin", "null"),
    ("forwarded", "for=10.0.0.1"),
    ("x-forwarded-for", "10.0.0.1"),
    ("x-forwarded-for", ""),
    ("x-forwarded-host", "km"),
    ("x-forwarded-proto", "https"),
    ("x-real-ip", "10.0.0.1"),
    ("via", "1.1 proxy"),
];

/// Sends these bytes on a new connection. Returns the status of the response.
async fn status_of(to: &str, request: &str) -> Result<u16> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(std::str::from_utf8(&head[9..])?.parse()?)
}

#[tokio::test]
async fn request_of_a_web_page_or_proxy_is_rejected_at_every_path() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let data = format!("/v1/{}/data/ONE", fixture.mount);
    let options = ["--metrics", "127.0.0.1:0"];
    let mut sidecar = Sidecar::start(fixture.km(), &options).await?;
    let metrics = sidecar.metrics.clone().unwrap_or_default();
    let token = sidecar.token.clone();
    for token in [token, None] {
        sidecar.token = token;
        for (name, value) in FOREIGN {
            for path in ["/km/v1/secrets/ONE", &data, "/metrics", "/healthz", "/readyz", "/other"] {
                let request = sidecar.request("GET", path).header(name, value);
                let response = sidecar.send(request.body(Full::default())?).await?.expect(403)?;
                if path == data {
                    ensure!(response.json()?["errors"].is_array(), "{}", response.text);
                } else {
                    ensure!(response.json()?["error"]["kind"] == "denied", "{}", response.text);
                }
            }
            let request = Request::builder().uri("/metrics").header(name, value);
            send(&metrics, request.body(Full::default())?).await?.expect(403)?;
        }
    }
    Ok(())
}

/// Without a token, this rule alone protects the secrets from web pages.
#[tokio::test]
async fn web_page_can_neither_read_nor_write_without_a_token() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write");
    let km = km.args(["serve", "--listen", "127.0.0.1:0", "--danger-no-token"]);
    let sidecar = Sidecar::run(km).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let path = format!("/v1/{}/data/FORM", fixture.mount);
    for (name, value) in FOREIGN {
        let body = Full::from(r#"{"data":{"key":"x"}}"#);
        let post = sidecar.request("POST", &path).header("content-type", "text/plain");
        sidecar.send(post.header(name, value).body(body)?).await?.expect(403)?;
    }
    ensure!(fixture.get("FORM").await?.0 == 404, "it was written");
    Ok(())
}

#[tokio::test]
async fn request_without_the_host_of_the_listener_is_rejected() -> Result<()> {
    let km = Km::new().env("HCP_VAULT_TOKEN", "t");
    let km = km.args(["serve", "--listen", "127.0.0.1:0", "--danger-no-token"]);
    let sidecar = Sidecar::run(km).await?;
    let at = &sidecar.address;
    let port = at.rsplit(':').next().unwrap_or_default();
    for (request, expected) in [
        (format!("GET /healthz HTTP/1.1\r\nhost: {at}\r\n\r\n"), 200),
        (format!("GET /healthz HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n"), 200),
        (format!("GET /healthz HTTP/1.0\r\nhost: {at}\r\n\r\n"), 200),
        ("GET /healthz HTTP/1.1\r\n\r\n".to_owned(), 403),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), 403),
        (format!("GET /healthz HTTP/1.1\r\nhost: {at}\r\nhost: evil.example\r\n\r\n"), 403),
        (format!("GET http://evil.example/healthz HTTP/1.1\r\nhost: {at}\r\n\r\n"), 403),
        (format!("GET http://{at}/healthz HTTP/1.1\r\nhost: {at}\r\n\r\n"), 403),
        (format!("CONNECT evil.example:443 HTTP/1.1\r\nhost: {at}\r\n\r\n"), 403),
        ("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".to_owned(), 403),
        (format!("GET /healthz HTTP/1.1\r\nhost: 127.0.0.2:{port}\r\n\r\n"), 403),
    ] {
        let status = status_of(at, &request).await?;
        ensure!(status == expected, "{status}: {request}");
    }
    Ok(())
}

/// A socket has no host name. A proxy in front of it would expose it to other machines.
#[tokio::test]
async fn unix_socket_accepts_any_host_but_no_proxy() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let km = Km::new().env("HCP_VAULT_TOKEN", "t").env("XDG_RUNTIME_DIR", directory.path());
    let sidecar = Sidecar::run(km.args(["serve"])).await?;
    for (name, value) in FOREIGN {
        let request = sidecar.request("GET", "/healthz").header(name, value);
        let expected = if name == "host" { 200 } else { 403 };
        sidecar.send(request.body(Full::default())?).await?.expect(expected)?;
    }
    Ok(())
}
