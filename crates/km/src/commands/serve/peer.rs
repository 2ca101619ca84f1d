//! The client at the other end of a connection, for the audit log.

use std::fmt;
use std::sync::Arc;

use http::Request;

/// The address of a TCP client, or the user and process of a client on a Unix socket.
#[derive(Debug, Clone)]
pub(super) struct Peer(Arc<str>);

impl Peer {
    pub(super) fn new(description: &str) -> Self {
        Self(description.into())
    }

    /// Returns the client that sent a request.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        request.extensions().get().cloned().unwrap_or_else(|| Self::new("unknown"))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
