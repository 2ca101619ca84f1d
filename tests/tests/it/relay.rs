//! A relay between the product and a server: it counts requests, can add a header like a gateway in
//! between, and can delay a write.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A header that occurs once in each request of the product.
const MARK: &[u8] = b"x-vault-request: true\r\n";
/// Larger than a head, so that none is split.
const CHUNK: usize = 64 * 1024;

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: String,
    inner: Arc<Inner>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Inner {
    server: String,
    header: &'static str,
    hides_date: bool,
    requests: AtomicUsize,
    late: Mutex<Late>,
}

/// The state of a write that is delayed until the next one.
#[derive(Debug, Default)]
enum Late {
    #[default]
    None,
    /// The next write will be delayed.
    Next,
    /// This write is delayed.
    Held(Vec<u8>),
}

impl Relay {
    /// Starts a relay to the server at an address such as `http://127.0.0.1:8200`. `header` is a
    /// line with its ending, or empty.
    pub(crate) async fn to(server: &str, header: &'static str) -> Result<Self> {
        Self::start(server, header, false).await
    }

    /// Starts a relay that hides the `Date` header of responses.
    pub(crate) async fn without_date(server: &str) -> Result<Self> {
        Self::start(server, "", true).await
    }

    async fn start(server: &str, header: &'static str, hides_date: bool) -> Result<Self> {
        let server = server.strip_prefix("http://").context("a relay is plain")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let (requests, late) = <_>::default();
        let inner = Inner { server, header, hides_date, requests, late };
        let (inner, mut tasks) = (Arc::new(inner), JoinSet::new());
        let shared = Arc::clone(&inner);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let inner = Arc::clone(&shared);
                // Closing one side closes the other.
                connections.spawn(async move { drop(inner.relay(client).await) });
            }
        });
        Ok(Self { address, inner, _tasks: tasks })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.inner.requests.load(Relaxed)
    }

    /// Delays the next write until just before the write after it, even if its client no longer
    /// waits.
    pub(crate) fn delay_next_write(&self) {
        *self.inner.late.lock().unwrap_or_else(PoisonError::into_inner) = Late::Next;
    }
}

impl Inner {
    async fn relay(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut server = TcpStream::connect(&self.server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((mut asks, mut hears), (mut answers, mut listens)) = (client.split(), server.split());
        let there = async {
            let mut chunk = vec![0; CHUNK];
            loop {
                let length = asks.read(&mut chunk).await?;
                if length == 0 {
                    return std::io::Result::Ok(());
                }
                let passed = self.pass(chunk.get(..length).unwrap_or_default()).await?;
                listens.write_all(&passed).await?;
            }
        };
        let back = async {
            if !self.hides_date {
                return copy(&mut answers, &mut hears).await.map(drop);
            }
            let mut chunk = vec![0; CHUNK];
            loop {
                let length = answers.read(&mut chunk).await?;
                if length == 0 {
                    return Ok(());
                }
                hears.write_all(&without_date(chunk.get(..length).unwrap_or_default())).await?;
            }
        };
        // The end of either side ends both.
        tokio::select! {
            ended = there => ended,
            ended = back => ended,
        }
    }

    /// Returns the bytes to forward.
    async fn pass(&self, came: &[u8]) -> std::io::Result<Vec<u8>> {
        let (passed, heads) = with_header(came, self.header);
        self.requests.fetch_add(heads, Relaxed);
        if !came.starts_with(b"POST ") {
            return Ok(passed);
        }
        let late = {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            match std::mem::take(&mut *late) {
                Late::None => return Ok(passed),
                Late::Next => {
                    *late = Late::Held(passed);
                    return Ok(Vec::new());
                }
                Late::Held(held) => held,
            }
        };
        let mut server = TcpStream::connect(&self.server).await?;
        server.write_all(&late).await?;
        // Its response begins when it is executed.
        server.read_u8().await?;
        Ok(passed)
    }
}

/// Renames the `Date` header in the bytes.
fn without_date(bytes: &[u8]) -> Vec<u8> {
    const DATE: &[u8] = b"\r\nDate:";
    let mut passed = bytes.to_vec();
    while let Some(at) = passed.windows(DATE.len()).position(|window| window == DATE) {
        passed.splice(at..at + DATE.len(), *b"\r\nX-Hidden-Date:");
    }
    passed
}

/// Adds the header to each head, and counts the heads.
fn with_header(bytes: &[u8], header: &str) -> (Vec<u8>, usize) {
    let (mut passed, mut rest, mut heads) = (Vec::new(), bytes, 0);
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        let (head, tail) = rest.split_at(at + MARK.len());
        passed.extend_from_slice(head);
        passed.extend_from_slice(header.as_bytes());
        (rest, heads) = (tail, heads + 1);
    }
    passed.extend_from_slice(rest);
    (passed, heads)
}
