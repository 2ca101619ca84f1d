//! A connector layer that rejects new connections of a pool once its TLS settings are outdated.
//!
//! Nothing is sent on a rejected connection, so that the request can be sent on a new pool.

use std::error::Error as StdError;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::tls::reload::TlsReloader;

type BoxError = Box<dyn StdError + Send + Sync>;

/// The error of a connector whose pool was created before certificate files changed.
#[derive(Debug, thiserror::Error)]
#[error("the TLS settings of the connection pool are outdated")]
pub(crate) struct OutdatedTls;

/// Checks the certificate files before each new connection of a pool.
#[derive(Clone)]
pub(crate) struct ReloadLayer {
    tls: Arc<TlsReloader>,
    /// The generation of the TLS settings that the pool was created with.
    generation: u64,
}

impl ReloadLayer {
    pub(crate) fn new(tls: &Arc<TlsReloader>, generation: u64) -> Self {
        Self { tls: Arc::clone(tls), generation }
    }
}

impl<S> Layer<S> for ReloadLayer {
    type Service = ReloadingConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        ReloadingConnector { connector, layer: self.clone() }
    }
}

/// The connector that [`ReloadLayer`] wraps around another one.
#[derive(Clone)]
pub(crate) struct ReloadingConnector<S> {
    connector: S,
    layer: ReloadLayer,
}

impl<S, R> Service<R> for ReloadingConnector<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        // The clone may not be ready, so the connector that is ready must be the one that is
        // called, as `tower::Service` documents under "Be careful when cloning inner services".
        let clone = self.connector.clone();
        let mut connector = mem::replace(&mut self.connector, clone);
        let ReloadLayer { tls, generation } = self.layer.clone();
        Box::pin(async move {
            if tls.refresh().await != generation {
                return Err(OutdatedTls.into());
            }
            connector.call(request).await
        })
    }
}
