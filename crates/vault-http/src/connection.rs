//! The [`Transport`] over `reqwest`: one connection pool per origin, HTTP/1.1 with keep-alive.
//!
//! Everything of `reqwest` that could send a token astray or send a request twice is switched off
//! here: redirects, retries, proxies of the environment, cookies and decompression.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Uri};
use reqwest::{Proxy, Url};
use tokio::time::Instant;

use crate::address::bare;
use crate::kind::{Executed, Kind};
use crate::reload::{OutdatedTls, ReloadLayer};
use crate::resolve::{Resolve, Resolver};
use crate::tls;
use crate::transport::{Limits, Transport, TransportError};
use crate::trust::TlsReloader;
use crate::zeroizing::ZeroizingBytes;

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
/// The life of a pool whose host is a name, because the name may lead elsewhere by then. Requests
/// in flight end on the old pool. The price is a handshake per connection in this time.
const POOL_LIFE: Duration = Duration::from_secs(20);
/// Headers that a response may have.
const MAX_HEADERS: usize = 100;
/// Origins with a pool: the configured one, and the active nodes that it redirected to lately.
const MAX_POOLS: usize = 8;

/// How connections are made.
pub(crate) struct Settings {
    pub(crate) tls: Arc<TlsReloader>,
    pub(crate) server_name: Option<String>,
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
    pub(crate) proxy: Option<Proxy>,
}

/// The pools.
pub(crate) struct Connections {
    settings: Settings,
    pools: Mutex<Pools>,
}

#[derive(Default)]
struct Pools {
    open: Vec<Pool>,
    made: u64,
}

#[derive(Clone)]
struct Pool {
    id: u64,
    origin: String,
    client: reqwest::Client,
    ends: Option<Instant>,
}

impl Connections {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, pools: Mutex::default() }
    }

    /// The pool for a request that is sent now.
    fn pool(&self, uri: &Uri) -> Result<Pool, TransportError> {
        let (scheme, authority) = parts(uri)?;
        let origin = format!("{scheme}://{authority}");
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        pools.open.retain(|pool| pool.ends.is_none_or(|ends| now < ends));
        if let Some(pool) = pools.open.iter().find(|pool| pool.origin == origin) {
            return Ok(pool.clone());
        }
        if pools.open.len() >= MAX_POOLS {
            pools.open.remove(0);
        }
        pools.made += 1;
        let by_name = bare(authority.host()).parse::<IpAddr>().is_err();
        let ends = by_name.then(|| now + POOL_LIFE);
        let client = self.settings.client(authority.host())?;
        let pool = Pool { id: pools.made, origin, client, ends };
        pools.open.push(pool.clone());
        Ok(pool)
    }

    /// Leaves a pool to the requests that are in flight on it.
    fn discard(&self, pool: &Pool) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.open.retain(|other| other.id != pool.id);
    }
}

#[async_trait]
impl Transport for Connections {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> Result<http::Response<ZeroizingBytes>, TransportError> {
        loop {
            let pool = self.pool(request.uri())?;
            let outgoing = self.settings.outgoing(request.clone())?;
            match limits.head(pool.client.execute(outgoing)).await {
                Ok(Ok(response)) => return read(response, &limits).await,
                // The connector refused before it connected, so that nothing was sent.
                Ok(Err(error)) if find::<OutdatedTls>(&error).is_some() => self.discard(&pool),
                Ok(Err(error)) => return Err(failure(error)),
                Err(timeout) => {
                    // The peer may be gone without a word, and the other connections with it.
                    self.discard(&pool);
                    return Err(timeout);
                }
            }
        }
    }

    fn reset(&self) {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).open.clear();
    }
}

impl Settings {
    fn client(&self, host: &str) -> Result<reqwest::Client, TransportError> {
        let (generation, config) = self.tls.current();
        let host = self.server_name.as_ref().map(|_| bare(host).to_owned());
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

    fn outgoing(&self, request: http::Request<Bytes>) -> Result<reqwest::Request, TransportError> {
        let (head, body) = request.into_parts();
        let url = self.url(&head.uri)?;
        let mut outgoing = reqwest::Request::new(head.method, url);
        *outgoing.headers_mut() = head.headers;
        if self.server_name.is_some() {
            let (_, authority) = parts(&head.uri)?;
            let host = HeaderValue::from_str(authority.as_str());
            let host = host.map_err(|error| unsendable("its host is not a header", error))?;
            outgoing.headers_mut().insert(HOST, host);
        }
        if !body.is_empty() {
            *outgoing.body_mut() = Some(body.into());
        }
        Ok(outgoing)
    }

    /// The URL of a request, whose host is the server name of the TLS handshake.
    fn url(&self, uri: &Uri) -> Result<Url, TransportError> {
        let text = match &self.server_name {
            None => uri.to_string(),
            Some(name) => {
                let (scheme, authority) = parts(uri)?;
                let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
                let path = uri.path_and_query().map_or("/", |path| path.as_str());
                format!("{scheme}://{name}{port}{path}")
            }
        };
        Url::parse(&text).map_err(|error| unsendable("its address is not a valid URL", error))
    }
}

fn parts(uri: &Uri) -> Result<(&str, &Authority), TransportError> {
    uri.scheme_str().zip(uri.authority()).ok_or_else(|| {
        TransportError::new(Kind::Rejected).with_detail("its address is not a valid URL")
    })
}

fn unsendable(
    detail: &'static str,
    error: impl StdError + Send + Sync + 'static,
) -> TransportError {
    TransportError::new(Kind::Rejected).with_detail(detail).with_source(error)
}

async fn read(
    mut response: reqwest::Response,
    limits: &Limits,
) -> Result<http::Response<ZeroizingBytes>, TransportError> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let body = read_body(response, limits).await.map_err(|error| error.with_status(status))?;
    let mut whole = http::Response::new(body);
    (*whole.status_mut(), *whole.headers_mut()) = (status, headers);
    Ok(whole)
}

async fn read_body(
    mut response: reqwest::Response,
    limits: &Limits,
) -> Result<ZeroizingBytes, TransportError> {
    let len = response.content_length().and_then(|len| usize::try_from(len).ok());
    let room = len.unwrap_or_default().min(limits.max_body_bytes);
    let mut body = ZeroizingBytes::new(Vec::with_capacity(room));
    while let Some(part) = limits.body(response.chunk()).await?.map_err(interrupted)? {
        limits.append(&mut body, &part)?;
    }
    Ok(body)
}

fn interrupted(error: reqwest::Error) -> TransportError {
    TransportError::new(Kind::Interrupted).with_source(error.without_url())
}

/// What a failure before the head of a response means.
fn failure(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let connecting = error.is_connect();
    if let Some(detail) = tls::failure(&error) {
        // On a connection that was open already, the request may have been read before.
        let executed = if connecting { Executed::No } else { Executed::Maybe };
        let failed = TransportError::new(Kind::Tls).with_executed(executed);
        return failed.with_detail(detail).with_source(error);
    }
    if connecting {
        return TransportError::new(Kind::Unreachable).with_source(error);
    }
    let cause = find::<hyper::Error>(&error);
    if cause.is_some_and(hyper::Error::is_parse) {
        let detail = "it is not HTTP, or has too many headers";
        return TransportError::new(Kind::Malformed).with_detail(detail).with_source(error);
    }
    let unsent = cause.is_some_and(hyper::Error::is_canceled);
    let failed = TransportError::new(Kind::Interrupted);
    let failed = if unsent { failed.with_executed(Executed::No) } else { failed };
    failed.with_source(error)
}

/// The first cause of `error` that is an `E`.
fn find<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
