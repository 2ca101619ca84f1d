//! How connections are made, and what is sent on them, in `reqwest`'s terms.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use reqwest::{Proxy, Url};

use super::reload::ReloadLayer;
use super::resolve::{Resolve, Resolver};
use crate::address::bare;
use crate::kind::ErrorKind;
use crate::transport::TransportError;
use crate::trust::TlsReloader;

/// Time for name resolution, TCP and TLS together. Addresses of one name share it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Idle time after which a peer is probed, the interval of the probes, and their number.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEP_ALIVE_RETRIES: u32 = 3;
/// The longest time for which sent bytes may stay without an acknowledgement.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);
/// Well below the 300 s after which Vault closes an idle connection itself.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Headers that a response may have.
const MAX_HEADERS: usize = 100;
/// How connections are made.
pub(crate) struct Settings {
    pub(crate) tls: Arc<TlsReloader>,
    pub(crate) server_name: Option<String>,
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
    pub(crate) proxy: Option<Proxy>,
}

impl Settings {
    /// A client of one origin, whose host is `host`.
    pub(super) fn client(&self, host: &str) -> Result<reqwest::Client, TransportError> {
        let (generation, config) = self.tls.current();
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
            .tls_backend_preconfigured((*config).clone())
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
        builder.build().map_err(|error| unsendable("the connection pool cannot be made", error))
    }
}

/// An origin as `reqwest` addresses it.
pub(super) struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    /// The URL without a path. Its host is the server name of the TLS handshake.
    url: Url,
    /// The `Host` header, if it differs from the host of the URL.
    host: Option<HeaderValue>,
}

impl Endpoint {
    /// The endpoint of the requests to `uri`'s origin.
    pub(super) fn new(uri: &Uri, server_name: Option<&str>) -> Result<Self, TransportError> {
        let (scheme, authority) = parts(uri)?;
        let (scheme, authority) = (scheme.clone(), authority.clone());
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let name = server_name.unwrap_or(authority.host());
        let url = Url::parse(&format!("{scheme}://{name}{port}/"))
            .map_err(|error| unsendable("its address is not a valid URL", error))?;
        let host = server_name.map(|_| HeaderValue::from_str(authority.as_str())).transpose();
        let host = host.map_err(|error| unsendable("its host is not a header", error))?;
        Ok(Self { scheme, authority, url, host })
    }

    /// Returns whether requests to `uri` go to this endpoint.
    pub(super) fn serves(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority)
    }

    /// The host of the origin.
    pub(super) fn host(&self) -> &str {
        bare(self.authority.host())
    }

    /// Returns the request as `reqwest` sends it.
    pub(super) fn outgoing(&self, request: http::Request<Bytes>) -> reqwest::Request {
        let (head, body) = request.into_parts();
        // Parsing a whole URL costs far more than replacing the path of one.
        let mut url = self.url.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let mut outgoing = reqwest::Request::new(head.method, url);
        *outgoing.headers_mut() = head.headers;
        if let Some(host) = &self.host {
            outgoing.headers_mut().insert(HOST, host.clone());
        }
        if !body.is_empty() {
            *outgoing.body_mut() = Some(body.into());
        }
        outgoing
    }
}

/// The scheme and the authority of an absolute URI.
fn parts(uri: &Uri) -> Result<(&Scheme, &Authority), TransportError> {
    uri.scheme().zip(uri.authority()).ok_or_else(|| {
        TransportError::new(ErrorKind::Rejected).with_detail("its address is not a valid URL")
    })
}

fn unsendable(
    detail: &'static str,
    error: impl StdError + Send + Sync + 'static,
) -> TransportError {
    TransportError::new(ErrorKind::Rejected).with_detail(detail).with_source(error)
}
