//! The connection pool: HTTP/1.1 with keep-alive, made anew now and then.
//!
//! No redirect, no decompression, no cookie, no proxy of the environment's: the client underneath
//! has none of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{DefaultServerNameResolver, FixedServerNameResolver, ResolveServerName};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::time::Instant;

use crate::connector::{Connector, Tcp};
use crate::resolve::Resolver;
use crate::trust::Trust;

/// The pool that all clones of a client share.
pub(crate) type Pool = Client<Connector, Full<Bytes>>;

/// Bytes of headers that an answer may have.
pub(crate) const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Headers that an answer may have.
const MAX_HEADERS: usize = 100;
/// Well below the 300 s after which Vault closes an idle connection itself.
const IDLE: Duration = Duration::from_secs(60);
/// A pool to a host name lives this long: the name may lead elsewhere by then. Requests under way
/// end on the old one. The price is a handshake per connection in this time.
const POOL_LIFE: Duration = Duration::from_secs(20);

/// Hands out the pool.
pub(crate) struct Transport {
    connector: Connector,
    /// Whether the server's name has to be resolved.
    by_name: bool,
    current: Mutex<(Pool, Instant)>,
}

impl Transport {
    pub(crate) fn new(
        trust: Trust,
        server_name: Option<ServerName<'static>>,
        resolver: Resolver,
        proxy: Option<Uri>,
        by_name: bool,
    ) -> Self {
        let names: Arc<dyn ResolveServerName + Send + Sync> = match server_name {
            Some(name) => Arc::new(FixedServerNameResolver::new(name)),
            None => Arc::new(DefaultServerNameResolver::default()),
        };
        let connector = Connector { tcp: Tcp::new(resolver, proxy), trust: Arc::new(trust), names };
        let current = Mutex::new((pool(&connector), Instant::now()));
        Self { connector, by_name, current }
    }

    /// The pool for a request that is sent now.
    pub(crate) fn pool(&self) -> Pool {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if self.by_name && current.1.elapsed() >= POOL_LIFE {
            *current = (pool(&self.connector), Instant::now());
        }
        current.0.clone()
    }

    /// Leaves the pool to the requests that are under way, and begins another.
    pub(crate) fn renew(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = (pool(&self.connector), Instant::now());
    }
}

fn pool(connector: &Connector) -> Pool {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http1_max_headers(MAX_HEADERS)
        .http1_max_buf_size(MAX_HEADER_BYTES)
        // Only what was not written to a connection that turned out closed is sent again.
        .retry_canceled_requests(true)
        .build(connector.clone())
}
