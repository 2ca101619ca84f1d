//! Makes a connection: TCP, directly or through a proxy that was named, then TLS, within one time.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream, ResolveServerName};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::resolve::Resolver;
use crate::trust::Trust;

type BoxError = Box<dyn StdError + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Time for TCP and TLS together. A server on the same continent needs a tenth of it.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that is still there after this is probed, so that a dead peer is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// TCP or TLS was not there in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
struct ConnectTimeout(Duration);

#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) tcp: Tcp,
    pub(crate) trust: Arc<Trust>,
    pub(crate) names: Arc<dyn ResolveServerName + Send + Sync>,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (tcp, names) = (self.tcp.clone(), Arc::clone(&self.names));
        let mut https = HttpsConnector::new(tcp, self.trust.config(), false, names);
        let connecting = https.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(outcome) => outcome,
                Err(_) => Err(ConnectTimeout(CONNECT_TIMEOUT).into()),
            }
        })
    }
}

/// The way to a TCP connection.
#[derive(Clone)]
pub(crate) enum Tcp {
    Direct(HttpConnector<Resolver>),
    Proxied(Tunnel<HttpConnector<Resolver>>),
}

impl Tcp {
    pub(crate) fn new(resolver: Resolver, proxy: Option<Uri>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        match proxy {
            Some(proxy) => Self::Proxied(Tunnel::new(proxy, tcp)),
            None => Self::Direct(tcp),
        }
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Direct(tcp) => {
                let connecting = tcp.call(uri);
                Box::pin(async move { Ok(connecting.await?) })
            }
            Self::Proxied(tunnel) => {
                let connecting = tunnel.call(uri);
                Box::pin(async move { Ok(connecting.await?) })
            }
        }
    }
}
