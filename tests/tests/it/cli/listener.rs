//! Test servers: one that only counts connections, and one that responds by a script.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::sync::watch;

/// Longer than `km` needs to start on a loaded machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server that accepts connections and never responds.
pub(crate) struct Silent(TcpListener);

impl Silent {
    pub(crate) fn new() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    pub(crate) fn address(&self) -> String {
        address("http", self.0.local_addr())
    }

    /// Returns how many connections were opened since the last call. They wait in the backlog.
    pub(crate) fn connections(&self) -> Result<usize> {
        let mut count = 0;
        loop {
            match self.0.accept() {
                Ok(_) => count += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(count),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Returns the address of a port on which nothing listens.
pub(crate) fn closed_port() -> Result<String> {
    Ok(address("http", TcpListener::bind("127.0.0.1:0")?.local_addr()))
}

/// The reaction of a scripted server to a request.
pub(crate) enum Reply {
    /// Sends a JSON response.
    Json(u16, Value),
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Closes the connection.
    Close,
    /// Does not respond.
    Hang,
    /// Sends the JSON response once [`Scripted::release`] is called.
    Later(u16, Value),
}

/// A table of replies, each with a label.
pub(crate) type Replies<const N: usize> = [(&'static str, fn() -> Reply); N];

impl Reply {
    /// Returns an HTTP response that does not come from Vault.
    pub(crate) fn html(status: u16) -> Self {
        let page = "<html><body>PLANTED-page</body></html>";
        Self::Bytes(response(status, "text/html", page))
    }
}

/// The response of a version 2 mount at `secret/` to a request for its type.
pub(crate) fn mount_of_version_2() -> Reply {
    let data = json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } });
    Reply::Json(200, json!({ "data": data }))
}

/// The request by which a long-running process looks up a given token.
pub(crate) const LOOKUP_SELF: &str = "GET /v1/auth/token/lookup-self";

/// The response to [`LOOKUP_SELF`]: a token that does not expire.
pub(crate) fn token_data() -> Value {
    json!({ "data": { "ttl": 0, "creation_ttl": 0, "renewable": false, "num_uses": 0,
        "period": 0, "type": "service", "policies": ["default"] } })
}

/// A server on loopback that responds to each request, `METHOD /path`, by a script.
pub(crate) struct Scripted {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<dyn Fn(&str) -> Reply + Send + Sync>,
    seen: watch::Sender<Vec<String>>,
    released: AtomicBool,
    stopped: AtomicBool,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Box::new(script),
            seen: watch::Sender::new(Vec::new()),
            released: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(io::Result::ok) {
                if server.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let server = Arc::clone(&server);
                // The thread ends with its connection, which `km` closes when it exits.
                thread::spawn(move || server.serve(connection));
            }
        });
        Ok(Self { address, shared })
    }

    pub(crate) fn address(&self) -> String {
        address("http", Ok(self.address))
    }

    /// Like [`Self::new`], but token lookups succeed, and the token does not expire.
    pub(crate) fn with_token(
        script: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::new(move |request| match request {
            LOOKUP_SELF => Reply::Json(200, token_data()),
            request => script(request),
        })
    }

    /// Returns the port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the requests so far, as `METHOD /path?query`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.seen.borrow().clone()
    }

    /// Waits until a request that begins with `head` has arrived.
    pub(crate) async fn wait_for_request(&self, head: &str) -> Result<()> {
        self.wait_for_request_after(head, 0).await
    }

    /// Like [`Self::wait_for_request`], but ignores the first `others` requests.
    pub(crate) async fn wait_for_request_after(&self, head: &str, others: usize) -> Result<()> {
        let mut seen = self.shared.seen.subscribe();
        let arrived =
            seen.wait_for(|seen| seen.iter().skip(others).any(|request| request.starts_with(head)));
        let waited = tokio::time::timeout(TIMEOUT, arrived).await;
        waited.with_context(|| format!("no request {head}"))??;
        Ok(())
    }

    /// Sends the responses of [`Reply::Later`].
    pub(crate) fn release(&self) {
        self.shared.released.store(true, Ordering::Relaxed);
        self.shared.seen.send_modify(|_| ());
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, connection: TcpStream) {
        let Ok(mut writer) = connection.try_clone() else { return };
        let mut reader = BufReader::new(connection);
        while let Some(request) = read(&mut reader) {
            self.seen.send_modify(|seen| seen.push(request.clone()));
            let (status, body) = match (self.script)(&request) {
                Reply::Json(status, body) => (status, body),
                Reply::Later(status, body) => {
                    while !self.released.load(Ordering::Relaxed) {
                        if self.stopped.load(Ordering::Relaxed) {
                            return;
                        }
                        thread::sleep(Duration::from_millis(10));
                    }
                    (status, body)
                }
                Reply::Bytes(bytes) => return drop(writer.write_all(&bytes)),
                Reply::Close => return,
                Reply::Hang => return drop(io::copy(&mut reader, &mut io::sink())),
            };
            let bytes = response(status, "application/json", &body.to_string());
            if writer.write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

/// Reads one request to its end. Returns `None` at the end of the connection.
fn read(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let mut words = head.split_whitespace();
    Some(format!("{} {}", words.next()?, words.next()?))
}

fn response(status: u16, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Played\r\nContent-Type: {kind}\r\n");
    format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn address(scheme: &str, address: io::Result<SocketAddr>) -> String {
    address.map_or_else(|error| error.to_string(), |address| format!("{scheme}://{address}"))
}
