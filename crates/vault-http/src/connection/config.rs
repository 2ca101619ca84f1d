//! The configuration of connection pools.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Proxy;

use super::connector::ReloadLayer;
use super::dns::{Resolve, Resolver};
use super::error::invalid_request;
use super::tls::reload::TlsReloader;
use crate::transport::TransportError;

/// The timeout of name resolution, TCP and TLS together, for all addresses of a host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The idle time after which TCP keep-alive probes are sent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The interval of TCP keep-alive probes.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// The number of unanswered probes after which a connection is closed.
const KEEP_ALIVE_RETRIES: u32 = 3;
/// The time for which sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`).
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);
/// The idle time after which a connection is closed, well below the 300 s after which Vault closes
/// it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum number of headers of a response.
const MAX_HEADERS: usize = 100;

/// The configuration of all connection pools of a client.
pub(crate) struct ConnectionConfig {
    pub(crate) tls: Arc<TlsReloader>,
    /// The server name of the TLS handshake, if it differs from the host.
    pub(crate) server_name: Option<String>,
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
    pub(crate) proxy: Option<Proxy>,
}

impl ConnectionConfig {
    /// Builds the connection pool of an origin with this host.
    pub(super) fn pool(&self, host: &str) -> Result<reqwest::Client, TransportError> {
        let (generation, tls) = self.tls.current();
        let host = self.server_name.as_ref().map(|_| host.to_owned());
        let resolver = Resolver { custom: self.resolver.clone(), host };
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .http1_max_headers(MAX_HEADERS)
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .tls_backend_preconfigured((*tls).clone())
            .dns_resolver(resolver)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .tcp_keepalive(KEEP_ALIVE)
            .tcp_keepalive_interval(KEEP_ALIVE_INTERVAL)
            .tcp_keepalive_retries(KEEP_ALIVE_RETRIES)
            .pool_idle_timeout(IDLE_TIMEOUT);
        #[cfg(target_os = "linux")]
        {
            builder = builder.tcp_user_timeout(USER_TIMEOUT);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        if self.tls.has_files() {
            builder = builder.connector_layer(ReloadLayer::new(&self.tls, generation));
        }
        builder.build().map_err(|error| invalid_request("cannot create the connection pool", error))
    }
}
