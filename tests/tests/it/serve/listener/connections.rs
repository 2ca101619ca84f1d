//! Connection limits: number, duration, and which connection is evicted for another.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http::Request;
use http_body_util::Full;
use serde_json::json;
use testkit::{Fixture, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::serve::sidecar::Sidecar;

/// The number of connections that are served, as documented.
const MAX_CONNECTIONS: usize = 1_024;

/// Longer than every time limit of a connection without the token, with time for a machine under
/// load, and shorter than the idle timeout of a connection with it.
const CLOSED_WITHIN: Duration = Duration::from_secs(25);

/// A connection to the sidecar that stays open.
struct Connection(TcpStream);

impl Connection {
    async fn open(sidecar: &Sidecar) -> Result<Self> {
        Ok(Self(TcpStream::connect(&sidecar.address).await?))
    }

    /// Opens `count` connections that send nothing.
    async fn open_idle(sidecar: &Sidecar, count: usize) -> Result<Vec<Self>> {
        let mut connections = Vec::new();
        for _ in 0..count {
            connections.push(Self::open(sidecar).await?);
        }
        Ok(connections)
    }

    /// Sends a request and reads its response. Returns the status.
    async fn status(&mut self, request: &str) -> Result<u16> {
        self.0.write_all(request.as_bytes()).await?;
        let (mut text, mut chunk) = (String::new(), [0; 4096]);
        while !text.contains("\r\n\r\n") || !text.ends_with('}') && !text.ends_with("}\n") {
            let length = self.0.read(&mut chunk).await?;
            if length == 0 {
                break;
            }
            text.push_str(&String::from_utf8_lossy(&chunk[..length]));
        }
        Ok(text.get(9..12).context("no response")?.parse()?)
    }

    /// Waits until the sidecar closes the connection.
    async fn closed(&mut self) -> Result<()> {
        let mut rest = Vec::new();
        // A connection that is reset is closed as well.
        let _ =
            timeout(CLOSED_WITHIN, self.0.read_to_end(&mut rest)).await.context("still open")?;
        Ok(())
    }
}

async fn start(fixture: &Fixture) -> Result<Sidecar> {
    fixture.put("ONE", json!({ "key": "v" })).await?;
    Sidecar::of(fixture).await
}

/// Returns a request with the token, for a raw connection.
fn request(sidecar: &Sidecar) -> String {
    let (host, token) = (sidecar.host(), sidecar.token.as_deref().unwrap_or_default());
    format!("GET /km/v1/secrets/ONE HTTP/1.1\r\nhost: {host}\r\nx-vault-token: {token}\r\n\r\n")
}

/// Fails unless a request with the token and a probe, each on a new connection, succeed.
async fn expect_service(sidecar: &Sidecar) -> Result<()> {
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let probe = Request::builder().uri("/healthz").body(Full::default())?;
    sidecar.send(probe).await?.expect(200).map(drop)
}

#[tokio::test]
async fn idle_unauthenticated_connections_block_no_one_and_are_closed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = start(&fixture).await?;
    let mut early = Connection::open(&sidecar).await?;
    // The second response comes from the cache. The time limit of its head must not close the
    // connection while the others below are idle.
    for _ in 0..2 {
        ensure!(early.status(&request(&sidecar)).await? == 200);
    }
    let mut idle = Connection::open_idle(&sidecar, MAX_CONNECTIONS + 6).await?;
    for _ in 0..10 {
        expect_service(&sidecar).await?;
    }
    // A client could keep its connections only by reopening them at the rate of their eviction.
    for connection in &mut idle {
        connection.closed().await?;
    }
    // An authenticated connection has a longer idle timeout.
    ensure!(
        early.status(&request(&sidecar)).await? == 200,
        "an authenticated connection was closed"
    );
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn authenticated_connections_beyond_the_limit_receive_503() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = start(&fixture).await?;
    let request = request(&sidecar);
    let mut connections = Vec::new();
    for number in 0..MAX_CONNECTIONS + 64 {
        let mut connection = Connection::open(&sidecar).await?;
        let expected = if number < MAX_CONNECTIONS { 200 } else { 503 };
        let status = connection.status(&request).await?;
        ensure!(status == expected, "connection {number}: {status}");
        connections.push(connection);
    }
    // A probe does not need one of their permits.
    let probe = Request::builder().uri("/healthz").body(Full::default())?;
    sidecar.send(probe).await?.expect(200)?;
    let first = connections.first_mut().context("no connection")?;
    ensure!(first.status(&request).await? == 200, "the first connection is no longer served");
    drop(connections);
    crate::product::until("a permit", async || {
        Ok(sidecar.get("/km/v1/secrets/ONE").await.is_ok_and(|response| response.status == 200))
    })
    .await
}

#[tokio::test]
async fn open_files_limit_leaves_enough_for_clients_and_vault() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::start(fixture.km().open_files(256), &[]).await?;
    let _idle = Connection::open_idle(&sidecar, 600).await?;
    for number in 0..10 {
        expect_service(&sidecar).await?;
        // A name that is not cached needs a connection to Vault.
        let name = format!("COLD-{number}");
        fixture.put(&name, json!({ "key": "v" })).await?;
        sidecar.get(&format!("/km/v1/secrets/{name}")).await?.expect(200)?;
    }
    let request = request(&sidecar);
    let mut served = Vec::new();
    let mut statuses = Vec::new();
    for _ in 0..300 {
        let mut connection = Connection::open(&sidecar).await?;
        statuses.push(connection.status(&request).await?);
        served.push(connection);
    }
    ensure!(statuses.iter().filter(|status| **status == 200).count() >= 32, "{statuses:?}");
    ensure!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    let probe = Request::builder().uri("/healthz").body(Full::default())?;
    sidecar.send(probe).await?.expect(200).map(drop)
}

#[tokio::test]
async fn client_that_does_not_read_is_disconnected() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "x".repeat(500_000) })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let mut connection = Connection::open(&sidecar).await?;
    let requests = request(&sidecar).repeat(100);
    let started = Instant::now();
    // The client pipelines until the sidecar stops reading, and then until the sidecar closes the
    // connection.
    let writes = async { while connection.0.write_all(requests.as_bytes()).await.is_ok() {} };
    timeout(CLOSED_WITHIN, writes).await.context("still open")?;
    ensure!(started.elapsed() > Duration::from_secs(5), "closed after {:?}", started.elapsed());
    expect_service(&sidecar).await
}

#[tokio::test]
async fn unfinished_head_on_an_authenticated_connection_times_out() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = start(&fixture).await?;
    let mut connection = Connection::open(&sidecar).await?;
    ensure!(connection.status(&request(&sidecar)).await? == 200);
    connection.0.write_all(b"GET /km").await?;
    // What the client sends meanwhile does not matter.
    let (mut reader, mut writer) = connection.0.split();
    let closed = async {
        let mut rest = Vec::new();
        let _ = reader.read_to_end(&mut rest).await;
    };
    let drip = async {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(CLOSED_WITHIN, async {
        tokio::select! { () = closed => {}, () = drip => {} }
    })
    .await
    .context("still open")
}
