//! Connections: how many, how slow they may be, and how they end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower_service::Service as _;
use tracing::{debug, warn};

use super::listen::{Listener, Stream};
use super::{metrics, routes};

/// Connections that are served; as many again are told that it is busy, and the rest is closed.
const MOST: usize = 1024;

/// How long the head of a request may take, from the end of the one before it.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// The largest head of a request, and how many headers it may have.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;

/// After an accept that failed, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Who sends the requests of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer(pub(super) Arc<str>);

impl Peer {
    /// Who has sent a request.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        request.extensions().get().cloned().unwrap_or_else(|| Self("unknown".into()))
    }
}

/// A listener with what answers on it.
pub(super) struct Door {
    listener: Listener,
    routes: Router,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Door {
    pub(super) fn new(listener: Listener, routes: Router) -> Self {
        let (places, refusals) = (Arc::new(Semaphore::new(MOST)), Arc::new(Semaphore::new(MOST)));
        Self { listener, routes, places, refusals }
    }

    /// Serves until `stopped`, then finishes the requests under way and closes all connections.
    pub(super) async fn serve(self, mut stopped: watch::Receiver<()>) {
        let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
        loop {
            tokio::select! {
                _ = stopped.changed() => break,
                stream = self.listener.accept() => match stream {
                    Ok(stream) => self.let_in(stream, &graceful, &mut connections),
                    Err(error) => {
                        warn!(%error, "a connection can't be accepted");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
            while connections.try_join_next().is_some() {}
        }
        drop(self.listener);
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    }

    fn let_in(&self, stream: Stream, graceful: &GracefulShutdown, tasks: &mut JoinSet<()>) {
        let (place, routes) = if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            (place, self.routes.clone())
        } else {
            metrics::refused("connections");
            // Not even that can be told to all of very many.
            let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
            (place, routes::busy())
        };
        let peer = Peer(stream.peer().into());
        match stream {
            Stream::Unix(io) => connection(TokioIo::new(io), peer, routes, place, graceful, tasks),
            Stream::Loopback(io) => {
                connection(TokioIo::new(io), peer, routes, place, graceful, tasks);
            }
        }
    }
}

fn connection(
    io: impl Read + Write + Unpin + Send + 'static,
    peer: Peer,
    routes: Router,
    place: OwnedSemaphorePermit,
    graceful: &GracefulShutdown,
    tasks: &mut JoinSet<()>,
) {
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let answer = routes.clone().call(request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(io, service);
    let connection = graceful.watch(connection);
    tasks.spawn(async move {
        if let Err(error) = connection.await {
            debug!(%error, "a connection ended");
        }
        drop(place);
    });
}
