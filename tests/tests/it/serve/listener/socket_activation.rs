//! Socket activation: a socket that systemd opens and passes to `km serve`.

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use anyhow::Result;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use testkit::{Km, Server};

use crate::serve::client::send;
use crate::serve::sidecar::Sidecar;

fn offline(address: &str) -> Km {
    Km::new().env("HCP_VAULT_TOKEN", "t").args(["serve", "--listen", address])
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

#[tokio::test]
async fn inherited_unix_socket_is_served_and_kept_at_exit() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("handed");
    let listener = UnixListener::bind(&path)?;
    // The path of `--listen` is ignored: nothing is created there.
    let elsewhere = directory.path().join("km.sock");
    let start = || -> Result<Km> {
        let km = fixture.km().args(["serve", "--listen", &unix(&elsewhere)]);
        Ok(km.hand_over(listener.try_clone()?))
    };
    let sidecar = Sidecar::run(start()?).await?;
    assert_eq!(sidecar.socket(), path);
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.stop().await?;
    assert!(path.exists(), "a socket that it did not create was removed");

    // A client that connects while no process runs is served by the next one.
    let request = Request::builder().uri("/km/v1/secrets/ONE");
    let address = unix(&path);
    let waiting = send(&address, request.body(Full::default())?);
    let (response, sidecar) = tokio::try_join!(waiting, Sidecar::run(start()?))?;
    assert_eq!(response.expect(200)?.json()?["value"], "v");
    assert!(!elsewhere.exists());
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn inherited_loopback_socket_is_served_and_requires_the_token() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let mut sidecar = Sidecar::start(fixture.km().hand_over(listener), &[]).await?;
    assert_eq!(sidecar.address, address);
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    // On TCP the token is required, whatever process opened the socket.
    sidecar.token = None;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(401)?;
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn inherited_descriptor_of_the_wrong_kind_is_rejected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    let (loopback, socket) = ("127.0.0.1:0", unix(&directory.path().join("s")));
    let tcp = |address: &str| -> Result<OwnedFd> { Ok(TcpListener::bind(address)?.into()) };
    let inherited = UnixListener::bind(directory.path().join("handed"))?;
    let listener = TcpListener::bind(loopback)?;
    let connected = TcpStream::connect(listener.local_addr()?)?;
    let (one, _other) = UnixStream::pair()?;
    for (address, inherited, why) in [
        (loopback, tcp("0.0.0.0:0")?, "is not bound to loopback"),
        (loopback, inherited.into(), "is not a valid tcp socket"),
        (&socket, tcp(loopback)?, "is not a valid unix stream socket"),
        (&socket, std::fs::File::open(directory.path())?.into(), "is not a socket"),
        (loopback, connected.into(), "`Accept=no`"),
        (&socket, one.into(), "`Accept=no`"),
    ] {
        let km = offline(address).args(["--token-file"]).args([&token]).hand_over(inherited);
        let output = km.run().await?.expect(2)?;
        assert!(output.stderr.contains(why), "{address}: {}", output.stderr);
        assert_eq!(output.text()?, "", "it reported a listening address");
    }
    Ok(())
}

#[tokio::test]
async fn descriptor_for_another_process_is_ignored() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let inherited = UnixListener::bind(directory.path().join("handed"))?;
    let path = directory.path().join("s");
    let km = offline(&unix(&path)).env("LISTEN_PID", std::process::id().to_string());
    let sidecar = Sidecar::run(km.hand_over(inherited)).await?;
    assert_eq!(sidecar.socket(), path);
    sidecar.get("/healthz").await?.expect(200)?;
    sidecar.stop().await?;
    assert!(!path.exists(), "its socket was left behind");
    Ok(())
}
