//! DNS resolution, by the system's resolver or the caller's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolving};

/// A resolver of host names, for [`ClientBuilder::resolver`](crate::ClientBuilder::resolver).
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// Returns the addresses of `host`, in order of preference. Their ports are ignored.
    ///
    /// # Errors
    /// If the host does not exist, or the lookup failed. Requests then fail with
    /// [`ErrorKind::Unreachable`](crate::ErrorKind::Unreachable).
    async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The resolver of one origin.
#[derive(Clone)]
pub(crate) struct Resolver {
    pub(crate) custom: Option<Arc<dyn Resolve>>,
    /// The host to resolve, if the host of the URL is the server name of the TLS handshake instead
    /// of the server's host.
    pub(crate) host: Option<String>,
}

impl Resolver {
    async fn addresses(self, name: &str) -> io::Result<Addrs> {
        let host = self.host.as_deref().unwrap_or(name);
        let mut addresses = match &self.custom {
            Some(custom) => custom.resolve(host).await?,
            None => tokio::net::lookup_host((host, 0)).await?.collect(),
        };
        // With port 0, the port of the URL is used.
        for address in &mut addresses {
            address.set_port(0);
        }
        Ok(Box::new(addresses.into_iter()))
    }
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.addresses(name.as_str()).await?) })
    }
}
