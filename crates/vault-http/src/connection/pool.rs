//! Connection pools, one per origin.

use std::convert;
use std::mem;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use tokio::time::Instant;

use super::config::ConnectionConfig;
use super::connector::OutdatedTls;
use super::endpoint::Endpoint;
use super::error::{body_error, find_source, request_error};
use crate::transport::{Limits, Transport, TransportError};
use crate::zeroizing::ZeroizingBytes;

/// The lifetime of a pool whose host is a name, because the name may later resolve to another
/// address. Each connection costs one handshake in this time.
const POOL_TTL: Duration = Duration::from_secs(20);
/// The maximum number of pools: that of the configured origin, and those of active nodes that it
/// recently redirected to.
const MAX_POOLS: usize = 8;

/// The connection pools of a client. Implements [`Transport`].
pub(crate) struct ConnectionPools {
    config: ConnectionConfig,
    /// The open pools, oldest first.
    pools: Mutex<Vec<Arc<Pool>>>,
}

struct Pool {
    endpoint: Endpoint,
    client: reqwest::Client,
    expires_at: Option<Instant>,
}

impl ConnectionPools {
    pub(crate) fn new(config: ConnectionConfig) -> Self {
        Self { config, pools: Mutex::default() }
    }

    /// Returns the pool for a request to `uri`. Creates it if there is none or it has expired.
    fn pool(&self, uri: &Uri) -> Result<Arc<Pool>, TransportError> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        pools.retain(|pool| pool.expires_at.is_none_or(|expires_at| now < expires_at));
        if let Some(pool) = pools.iter().find(|pool| pool.endpoint.serves(uri)) {
            return Ok(Arc::clone(pool));
        }
        if pools.len() >= MAX_POOLS {
            pools.remove(0);
        }
        let endpoint = Endpoint::new(uri, self.config.server_name.as_deref())?;
        let is_name = endpoint.host().parse::<IpAddr>().is_err();
        let expires_at = is_name.then(|| now + POOL_TTL);
        let client = self.config.pool(endpoint.host())?;
        let pool = Arc::new(Pool { endpoint, client, expires_at });
        pools.push(Arc::clone(&pool));
        Ok(pool)
    }

    /// Discards a pool. Requests in flight still complete on it.
    fn discard(&self, pool: &Arc<Pool>) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|other| !Arc::ptr_eq(other, pool));
    }

    /// Takes the request for an attempt. Clones it only if the connector may reject the attempt.
    fn take(&self, request: &mut http::Request<Bytes>) -> http::Request<Bytes> {
        if self.config.tls.has_files() { request.clone() } else { mem::take(request) }
    }
}

#[async_trait]
impl Transport for ConnectionPools {
    async fn send(
        &self,
        mut request: http::Request<Bytes>,
        limits: Limits,
    ) -> Result<http::Response<ZeroizingBytes>, TransportError> {
        loop {
            let pool = self.pool(request.uri())?;
            let outgoing = pool.endpoint.convert(self.take(&mut request));
            match limits.head(pool.client.execute(outgoing)).await {
                Ok(Ok(response)) => return read(response, &limits).await,
                // The connector rejected the connection before anything was sent.
                Ok(Err(error)) if find_source::<OutdatedTls>(&error).is_some() => {
                    self.discard(&pool);
                }
                Ok(Err(error)) => return Err(request_error(error)),
                Err(timeout) => {
                    // The peer may be unreachable, and all other connections to it dead.
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

/// Reads the body of a response. The whole body shares one timer.
async fn read(
    mut response: reqwest::Response,
    limits: &Limits,
) -> Result<http::Response<ZeroizingBytes>, TransportError> {
    let body = {
        let body = pin!(read_body(&mut response, limits));
        limits.body(body).await.and_then(convert::identity)
    };
    let body = body.map_err(|error| error.with_status(response.status()))?;
    let mut complete = http::Response::new(body);
    *complete.status_mut() = response.status();
    *complete.headers_mut() = mem::take(response.headers_mut());
    Ok(complete)
}

async fn read_body(
    response: &mut reqwest::Response,
    limits: &Limits,
) -> Result<ZeroizingBytes, TransportError> {
    let len = response.content_length().and_then(|len| usize::try_from(len).ok());
    let capacity = len.unwrap_or_default().min(limits.max_body_bytes);
    let mut body = ZeroizingBytes::new(Vec::with_capacity(capacity));
    while let Some(chunk) = response.chunk().await.map_err(body_error)? {
        limits.append(&mut body, &chunk)?;
    }
    Ok(body)
}
