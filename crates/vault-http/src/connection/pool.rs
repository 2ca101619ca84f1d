//! The [`Transport`] over `reqwest`: one connection pool per origin, HTTP/1.1 with keep-alive.
//!
//! Everything of `reqwest` that could send a token astray or send a request twice is switched off
//! here: redirects, retries, proxies of the environment, cookies and decompression.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use tokio::time::Instant;

use super::config::{Settings, parts};
use super::connector::OutdatedTls;
use super::error::{body_error, find_source, request_error};
use crate::address::without_brackets;
use crate::transport::{Limits, Transport, TransportError};
use crate::zeroizing::ZeroizingBytes;

/// The life of a pool whose host is a name, because the name may lead elsewhere by then. Requests
/// in flight end on the old pool. The price is a handshake per connection in this time.
const POOL_LIFE: Duration = Duration::from_secs(20);
/// Origins with a pool: the configured one, and the active nodes that it redirected to lately.
const MAX_POOLS: usize = 8;

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
        let by_name = without_brackets(authority.host()).parse::<IpAddr>().is_err();
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
                Ok(Err(error)) if find_source::<OutdatedTls>(&error).is_some() => {
                    self.discard(&pool)
                }
                Ok(Err(error)) => return Err(request_error(error)),
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
    while let Some(part) = limits.body(response.chunk()).await?.map_err(body_error)? {
        limits.append(&mut body, &part)?;
    }
    Ok(body)
}
