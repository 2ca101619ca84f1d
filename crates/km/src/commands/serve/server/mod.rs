//! Accepts connections and serves HTTP/1.1 on them, within limits of number and time.
//!
//! [`connections`] limits and evicts connections. [`super::auth::origin`] rejects requests that do
//! not come from a client on this machine.

pub(super) mod connections;
mod head_timeout;
pub(super) mod limits;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutWriter;
use tower_service::Service as _;
use tracing::{debug, warn};

use super::auth::origin;
use super::listener::{Listener, Stream};
use super::middleware;
use super::peer::Peer;
use connections::{Admission, Connections};
use head_timeout::{HeadTimeout, Phase};
use limits::Limits;

/// How long an authenticated connection may be idle between two requests.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The time limit for the head of a request, from its first byte.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The time limit for a client to read a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The limits for the head of a request: its size, and the number of headers.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;

/// The pause after a failure to accept a connection, for example for lack of file descriptors.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A listener and the routes that it serves.
pub(super) struct Server {
    listener: Listener,
    routes: Router,
    connections: Arc<Connections>,
}

impl Server {
    pub(super) fn new(listener: Listener, routes: Router, limits: Limits) -> Self {
        Self { listener, routes, connections: Connections::new(limits) }
    }

    /// Serves until `stopped` changes, then finishes the requests in flight and closes all
    /// connections.
    pub(super) async fn serve(self, mut stopped: watch::Receiver<()>) {
        let (graceful, mut tasks) = (GracefulShutdown::new(), JoinSet::new());
        let address = self.listener.address();
        for id in 0.. {
            let accepted = tokio::select! {
                _ = stopped.changed() => break,
                accepted = self.accept() => accepted,
            };
            while tasks.try_join_next().is_some() {}
            match accepted {
                Ok((stream, permit)) => {
                    self.connections.spawn(id, permit, &mut tasks, |admission| {
                        let peer = Peer::new(&stream.peer());
                        let routes = self.routes.clone();
                        let handler = Handler { routes, peer, address, admission };
                        serve(stream, handler, graceful.watcher())
                    });
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    self.connections.evict_oldest();
                    tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        graceful.shutdown().await;
        while tasks.join_next().await.is_some() {}
    }

    /// Returns the next connection and the permit for it.
    async fn accept(&self) -> io::Result<(Stream, OwnedSemaphorePermit)> {
        let stream = self.listener.accept().await?;
        let permit = self.connections.permit().await;
        permit.map(|permit| (stream, permit)).ok_or_else(|| io::Error::other("no permit"))
    }
}

/// Handles the requests of one connection.
struct Handler {
    routes: Router,
    peer: Peer,
    /// The address of a TCP listener.
    address: Option<SocketAddr>,
    admission: Arc<Admission>,
}

impl Handler {
    async fn handle(&self, request: Request<Incoming>) -> Response {
        let mut response = match origin::check(&request, self.address) {
            Ok(()) => self.route(request).await,
            Err(rejection) => middleware::foreign(request.uri().path(), rejection),
        };
        if !self.admission.is_admitted() {
            // An unauthenticated connection is for one request only.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn route(&self, request: Request<Incoming>) -> Response {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer.clone());
        request.extensions_mut().insert(Arc::clone(&self.admission));
        let response = self.routes.clone().call(request).await;
        response.unwrap_or_else(|never: Infallible| match never {})
    }
}

async fn serve(stream: Stream, handler: Handler, watcher: Watcher) {
    match stream {
        Stream::Unix(stream) => serve_on(stream, handler, watcher).await,
        Stream::Loopback(stream) => serve_on(stream, handler, watcher).await,
    }
}

async fn serve_on<S>(stream: S, handler: Handler, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (phase, handler) = (Arc::new(Phase::default()), Arc::new(handler));
    let stream = HeadTimeout::new(stream, Arc::clone(&phase), HEAD_TIMEOUT);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(WRITE_TIMEOUT));
    let admission = Arc::clone(&handler.admission);
    let service = service_fn(move |request| {
        let (phase, handler) = (Arc::clone(&phase), Arc::clone(&handler));
        async move {
            phase.begin_request();
            let response = handler.handle(request).await;
            phase.end_request();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::select! {
        ended = watcher.watch(connection) => if let Err(error) = ended {
            debug!(%error, "connection failed");
        },
        () = admission.expired() => debug!("connection closed: no valid token in time"),
    }
}
