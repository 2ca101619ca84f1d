//! A relay that stops at one request, so that a program can be killed, or overtaken by another
//! writer, between two requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// The point at which the relay stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The server does not receive the request.
    Before(usize),
    /// The server executes the request, and the client does not receive the response.
    After(usize),
}

/// A relay that runs until it is dropped.
pub(crate) struct Stopper {
    address: String,
    stopped: Arc<Notify>,
    released: Arc<Notify>,
    _tasks: JoinSet<()>,
}

struct Inner {
    server: String,
    stop: Stop,
    requests: AtomicUsize,
    stopped: Arc<Notify>,
    released: Arc<Notify>,
}

impl Stopper {
    /// Starts a relay to a server at an address such as `http://127.0.0.1:8200`. Requests count
    /// from 0.
    pub(crate) async fn to(server: &str, stop: Stop) -> Result<Self> {
        let server =
            server.strip_prefix("http://").context("the relay supports only http")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let (stopped, released) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let inner = Inner {
            server,
            stop,
            requests: <_>::default(),
            stopped: Arc::clone(&stopped),
            released: Arc::clone(&released),
        };
        let (inner, mut tasks) = (Arc::new(inner), JoinSet::new());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let inner = Arc::clone(&inner);
                // The task ends with its connection.
                connections.spawn(async move { drop(inner.relay(client).await) });
            }
        });
        Ok(Self { address, stopped, released, _tasks: tasks })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until the relay has stopped.
    pub(crate) async fn stopped(&self) {
        self.stopped.notified().await;
    }

    /// Lets the stopped request or response pass.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}

impl Inner {
    async fn relay(&self, client: TcpStream) -> Result<()> {
        let server = TcpStream::connect(&self.server).await?;
        let (mut client, mut server) = (BufReader::new(client), BufReader::new(server));
        loop {
            let request = message(&mut client).await?;
            let number = self.requests.fetch_add(1, Relaxed);
            if self.stop == Stop::Before(number) {
                self.hold().await;
            }
            server.write_all(&request).await?;
            let response = message(&mut server).await?;
            if self.stop == Stop::After(number) {
                self.hold().await;
            }
            client.write_all(&response).await?;
        }
    }

    async fn hold(&self) {
        self.stopped.notify_one();
        self.released.notified().await;
    }
}

/// Reads one request or response: its head, and as many bytes as its content length.
async fn message(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        anyhow::ensure!(stream.read_line(&mut line).await? > 0, "the connection was closed");
        bytes.extend_from_slice(line.as_bytes());
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse()?;
            }
            None if line == "\r\n" => break,
            _ => {}
        }
    }
    let head = bytes.len();
    bytes.resize(head + length, 0);
    stream.read_exact(bytes.get_mut(head..).unwrap_or_default()).await?;
    Ok(bytes)
}
