//! How host names become addresses: the system's way, or one that is brought.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// Finds the addresses of a host name; the port in them is not looked at.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, the preferred first.
    ///
    /// # Errors
    /// The host has none, or nobody could be asked.
    async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The resolver of a pool.
#[derive(Clone)]
pub(crate) enum Resolver {
    System(GaiResolver),
    Own(Arc<dyn Resolve>),
}

impl Resolver {
    pub(crate) fn new(own: Option<Arc<dyn Resolve>>) -> Self {
        own.map_or_else(|| Self::System(GaiResolver::new()), Self::Own)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        match self {
            Self::System(system) => {
                let finding = system.call(name);
                Box::pin(async move { Ok(finding.await?.collect::<Vec<_>>().into_iter()) })
            }
            Self::Own(own) => {
                let own = Arc::clone(own);
                Box::pin(async move { Ok(own.resolve(name.as_str()).await?.into_iter()) })
            }
        }
    }
}
