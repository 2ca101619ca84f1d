//! What a scripted server received: every byte, and how many requests at once.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A complete request.
#[derive(Clone, Default)]
pub struct Request {
    /// The number of requests that the server had read before.
    pub number: usize,
    /// The number of those on this connection.
    pub on_connection: usize,
    /// The method, such as `GET`.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What was received and sent.
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
    /// Bytes as received, TLS records included.
    wire: Vec<u8>,
    requests: Vec<Request>,
    /// The clients' certificates, as DER.
    certificates: Vec<Vec<u8>>,
}

/// A request in progress.
pub(crate) struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Record {
    /// Returns the number of connections so far, and counts one more.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    /// Returns the complete requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.kept().requests.clone()
    }

    /// Counts the requests with this method and this path, without the query.
    pub fn count(&self, method: &str, path: &str) -> usize {
        let path_of = |request: &Request| request.target.split('?').next() == Some(path);
        self.kept().requests.iter().filter(|r| r.method == method && path_of(r)).count()
    }

    /// Counts the complete requests.
    pub fn total(&self) -> usize {
        self.kept().requests.len()
    }

    /// Returns the largest number of requests that were in progress at once.
    pub fn most_at_once(&self) -> usize {
        self.most.load(SeqCst)
    }

    /// Returns the number of bytes that the system accepted from this server.
    pub fn sent(&self) -> usize {
        self.sent.load(SeqCst)
    }

    /// Returns whether `text` was received, as sent or after TLS.
    pub fn has(&self, text: &str) -> bool {
        let kept = self.kept();
        let requests = kept.requests.iter().flat_map(|r| [r.head.as_bytes(), &r.body]);
        std::iter::once(kept.wire.as_slice())
            .chain(requests)
            .any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    }

    /// Returns the clients' certificates, one per connection that presented one.
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

    /// Stores a request with its number. It is in progress as long as the guard lives.
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
