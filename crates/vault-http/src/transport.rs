//! The connection pool: HTTP/1.1 with keep-alive over TCP or TLS, bounded in time to connect.
//!
//! No proxy, no redirect, no decompression and no cookie: the client underneath has none of them.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

/// The pool that all clones of a client share.
pub(crate) type Pool = Client<Connector, Full<Bytes>>;

/// Bytes of headers that an answer may have.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Headers that an answer may have.
const MAX_HEADERS: usize = 100;
/// Well below the 300 s after which Vault closes an idle connection itself.
const IDLE: Duration = Duration::from_secs(60);
/// A connection that is still there after this is probed, so that a dead peer is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) fn pool(
    tls: ClientConfig,
    server_name: Option<ServerName<'static>>,
    connect_timeout: Duration,
) -> Pool {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let builder = match server_name {
        Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name)),
        None => builder,
    };
    let inner = builder.enable_http1().wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http1_max_headers(MAX_HEADERS)
        .http1_max_buf_size(MAX_HEADER_BYTES)
        .build(Connector { inner, timeout: connect_timeout })
}

/// Connects within a time that covers the TLS handshake too.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: HttpsConnector<HttpConnector>,
    timeout: Duration,
}

/// TCP or TLS was not there in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(crate) struct ConnectTimeout(Duration);

impl Service<Uri> for Connector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let timeout = self.timeout;
        Box::pin(async move {
            match tokio::time::timeout(timeout, connecting).await {
                Ok(outcome) => outcome,
                Err(_) => Err(ConnectTimeout(timeout).into()),
            }
        })
    }
}
