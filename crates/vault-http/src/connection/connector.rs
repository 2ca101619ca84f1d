//! Refuses a connection whose TLS settings are outdated, before it is made.

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

/// The certificate files have changed since the pool was made.
#[derive(Debug, thiserror::Error)]
#[error("the certificate files have changed")]
pub(crate) struct OutdatedTls;

/// Checks the certificate files ahead of each connection of a pool.
#[derive(Clone)]
pub(crate) struct ReloadLayer {
    tls: Arc<TlsReloader>,
    /// The settings that the pool was made with.
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
        // The clone takes the place of the service that is ready.
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
