//! How host names become addresses: by the system's resolver, or by the caller's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolving};

/// Resolves the addresses of a host name. The port in them is ignored.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// Returns the addresses of `host`, in order of preference.
    ///
    /// # Errors
    /// The host has none, or nobody could be asked.
    async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The resolver of one origin.
#[derive(Clone)]
pub(crate) struct Resolver {
    pub(crate) custom: Option<Arc<dyn Resolve>>,
    /// The host that is resolved in place of the name in the URL, which is then the server name of
    /// the TLS handshake.
    pub(crate) host: Option<String>,
}

impl Resolver {
    async fn addresses(self, name: &str) -> io::Result<Addrs> {
        let host = self.host.as_deref().unwrap_or(name);
        let mut addresses = match &self.custom {
            Some(custom) => custom.resolve(host).await?,
            None => tokio::net::lookup_host((host, 0)).await?.collect(),
        };
        // The port of the URL counts.
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
