//! The [`Transport`] over `reqwest`: one connection pool per origin, HTTP/1.1 with keep-alive.
//!
//! Everything of `reqwest` that could send a token astray or send a request twice is switched off
//! here: redirects, retries, proxies of the environment, cookies and decompression.

mod failure;
mod reload;
mod resolve;
mod settings;

use std::mem;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use tokio::time::Instant;

pub use self::resolve::Resolve;
pub(crate) use self::settings::Settings;

use self::failure::{failure, find, interrupted};
use self::reload::OutdatedTls;
use self::settings::Endpoint;
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
    pools: Mutex<Vec<Arc<Pool>>>,
}

struct Pool {
    endpoint: Endpoint,
    client: reqwest::Client,
    ends: Option<Instant>,
}

impl Connections {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, pools: Mutex::default() }
    }

    /// The pool for a request that is sent now.
    fn pool(&self, uri: &Uri) -> Result<Arc<Pool>, TransportError> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        pools.retain(|pool| pool.ends.is_none_or(|ends| now < ends));
        if let Some(pool) = pools.iter().find(|pool| pool.endpoint.serves(uri)) {
            return Ok(Arc::clone(pool));
        }
        if pools.len() >= MAX_POOLS {
            pools.remove(0);
        }
        let endpoint = Endpoint::new(uri, self.settings.server_name.as_deref())?;
        let by_name = endpoint.host().parse::<IpAddr>().is_err();
        let ends = by_name.then(|| now + POOL_LIFE);
        let client = self.settings.client(endpoint.host())?;
        let pool = Arc::new(Pool { endpoint, client, ends });
        pools.push(Arc::clone(&pool));
        Ok(pool)
    }

    /// Leaves a pool to the requests that are in flight on it.
    fn discard(&self, pool: &Arc<Pool>) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|other| !Arc::ptr_eq(other, pool));
    }

    /// Takes the request for one try. It is left for another only where the connector may refuse it.
    fn take(&self, request: &mut http::Request<Bytes>) -> http::Request<Bytes> {
        if self.settings.tls.has_files() { request.clone() } else { mem::take(request) }
    }
}

#[async_trait]
impl Transport for Connections {
    async fn send(
        &self,
        mut request: http::Request<Bytes>,
        limits: Limits,
    ) -> Result<http::Response<ZeroizingBytes>, TransportError> {
        loop {
            let pool = self.pool(request.uri())?;
            let outgoing = pool.endpoint.outgoing(self.take(&mut request));
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
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Reads the rest of a response. One timer bounds the whole body.
async fn read(
    mut response: reqwest::Response,
    limits: &Limits,
) -> Result<http::Response<ZeroizingBytes>, TransportError> {
    let body = {
        let body = pin!(read_body(&mut response, limits));
        limits.body(body).await.flatten()
    };
    let body = body.map_err(|error| error.with_status(response.status()))?;
    let mut whole = http::Response::new(body);
    *whole.status_mut() = response.status();
    *whole.headers_mut() = mem::take(response.headers_mut());
    Ok(whole)
}

async fn read_body(
    response: &mut reqwest::Response,
    limits: &Limits,
) -> Result<ZeroizingBytes, TransportError> {
    let len = response.content_length().and_then(|len| usize::try_from(len).ok());
    let room = len.unwrap_or_default().min(limits.max_body_bytes);
    let mut body = ZeroizingBytes::new(Vec::with_capacity(room));
    while let Some(part) = response.chunk().await.map_err(interrupted)? {
        limits.append(&mut body, &part)?;
    }
    Ok(body)
}
