//! What a scripted server was sent: every byte, and how much at once.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A request that came in whole.
#[derive(Clone, Default)]
pub struct Request {
    /// How many the server had read before this.
    pub number: usize,
    /// How many of them on this connection.
    pub on_connection: usize,
    /// As in `GET`.
    pub method: String,
    /// Path and query, as they were sent.
    pub target: String,
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What came in, and what went out.
#[derive(Default)]
pub struct Record {
    connections: AtomicUsize,
    sent: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// As it came, TLS included.
    wire: Vec<u8>,
    requests: Vec<Request>,
    /// The certificates that clients showed, as DER.
    certificates: Vec<Vec<u8>>,
}

/// One request that is being answered.
pub(crate) struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Record {
    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    /// Whole requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.kept().requests.clone()
    }

    /// How many requests had this method and this path before the query.
    pub fn count(&self, method: &str, path: &str) -> usize {
        let path_of = |request: &Request| request.target.split('?').next() == Some(path);
        self.kept().requests.iter().filter(|r| r.method == method && path_of(r)).count()
    }

    /// How many whole requests there were.
    pub fn total(&self) -> usize {
        self.kept().requests.len()
    }

    /// The most requests that were being answered at once.
    pub fn most_at_once(&self) -> usize {
        self.most.load(SeqCst)
    }

    /// Bytes that the system took from this server.
    pub fn sent(&self) -> usize {
        self.sent.load(SeqCst)
    }

    /// Whether `text` was among the bytes, on the wire or out of TLS.
    pub fn has(&self, text: &str) -> bool {
        let kept = self.kept();
        let requests = kept.requests.iter().flat_map(|r| [r.head.as_bytes(), &r.body]);
        std::iter::once(kept.wire.as_slice())
            .chain(requests)
            .any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    }

    /// The certificates that were shown, one for each connection that showed one.
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        self.kept().certificates.clone()
    }

    pub(crate) fn connected(&self) -> usize {
        self.connections.fetch_add(1, SeqCst)
    }

    pub(crate) fn showed(&self, certificate: &[u8]) {
        self.kept().certificates.push(certificate.to_vec());
    }

    pub(crate) fn came(&self, bytes: &[u8]) {
        self.kept().wire.extend_from_slice(bytes);
    }

    pub(crate) fn went(&self, bytes: usize) {
        self.sent.fetch_add(bytes, SeqCst);
    }

    /// Keeps a request, with its number; it is being answered as long as the guard lives.
    pub(crate) fn asked(&self, mut request: Request) -> (Request, Busy<'_>) {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        let mut kept = self.kept();
        request.number = kept.requests.len();
        kept.requests.push(request.clone());
        drop(kept);
        (request, Busy(&self.now))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method, self.target)
    }
}
