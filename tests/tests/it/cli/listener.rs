//! Servers that are played: one that only counts who comes, one that answers by a script.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::sync::watch;

/// Longer than a program under load needs to begin.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// A port that takes connections and never answers.
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

    /// How many connections were opened since it was last asked: they wait in the backlog.
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

/// A port where nobody listens.
pub(crate) fn closed_port() -> Result<String> {
    Ok(address("http", TcpListener::bind("127.0.0.1:0")?.local_addr()))
}

/// What follows on a request.
pub(crate) enum Reply {
    /// A JSON answer.
    Json(u16, Value),
    /// These bytes, and the end of the connection.
    Bytes(Vec<u8>),
    /// The end of the connection.
    Close,
    /// Nothing.
    Hang,
    /// The answer, once [`Scripted::release`] is called.
    Later(u16, Value),
}

/// Several of them, each with what it is.
pub(crate) type Replies<const N: usize> = [(&'static str, fn() -> Reply); N];

impl Reply {
    /// An HTTP answer that is none of Vault's.
    pub(crate) fn html(status: u16) -> Self {
        let page = "<html><body>PLANTED-page</body></html>";
        Self::Bytes(answer(status, "text/html", page))
    }
}

/// What a mount of version 2 at `secret/` answers to the question what it is.
pub(crate) fn version_two() -> Reply {
    let data = json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } });
    Reply::Json(200, json!({ "data": data }))
}

/// What a process that lives on asks about a token that it was given.
pub(crate) const LOOK_UP: &str = "GET /v1/auth/token/lookup-self";

/// The answer.
pub(crate) fn looked_up() -> Value {
    json!({ "data": { "ttl": 0, "creation_ttl": 0, "renewable": false, "num_uses": 0,
        "period": 0, "type": "service", "policies": ["default"] } })
}

/// A server on loopback that answers each request, `METHOD /path`, by a script.
pub(crate) struct Scripted {
    at: SocketAddr,
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
        let at = listener.local_addr()?;
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
                // It ends with its connection: a program that is gone closes it.
                thread::spawn(move || server.serve(connection));
            }
        });
        Ok(Self { at, shared })
    }

    pub(crate) fn address(&self) -> String {
        address("http", Ok(self.at))
    }

    /// The same, with a given token that may be looked up and lives without end.
    pub(crate) fn with_token(
        script: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::new(move |request| match request {
            LOOK_UP => Reply::Json(200, looked_up()),
            request => script(request),
        })
    }

    /// The port alone.
    pub(crate) fn port(&self) -> u16 {
        self.at.port()
    }

    /// The requests so far, as `METHOD /path?query`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.seen.borrow().clone()
    }

    /// Waits until a request that begins like this is here.
    pub(crate) async fn saw(&self, head: &str) -> Result<()> {
        self.saw_more(head, 0).await
    }

    /// The same, after so many others.
    pub(crate) async fn saw_more(&self, head: &str, others: usize) -> Result<()> {
        let mut seen = self.shared.seen.subscribe();
        let here =
            seen.wait_for(|seen| seen.iter().skip(others).any(|request| request.starts_with(head)));
        let waited = tokio::time::timeout(SEEN_WITHIN, here).await;
        waited.with_context(|| format!("no request {head}"))??;
        Ok(())
    }

    /// Lets the answers out that come later.
    pub(crate) fn release(&self) {
        self.shared.released.store(true, Ordering::Relaxed);
        self.shared.seen.send_modify(|_| ());
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes who waits for the next connection.
        let _ = TcpStream::connect(self.at);
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
            let bytes = answer(status, "application/json", &body.to_string());
            if writer.write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

/// Reads one request to its end; `None` when there is no more.
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

fn answer(status: u16, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Played\r\nContent-Type: {kind}\r\n");
    format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn address(scheme: &str, at: io::Result<SocketAddr>) -> String {
    at.map_or_else(|error| error.to_string(), |at| format!("{scheme}://{at}"))
}
