//! An in-memory server for tests on paused time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::transport::{Limits, Transport, TransportError};
use crate::zeroizing::ZeroizingBytes;

/// The size of the chunks in which a body arrives, in bytes.
const CHUNK_BYTES: usize = 4 * 1024;

type ResponseFuture =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send>>;

/// A [`Transport`] that passes each request to a function, which returns the response. Cheap to
/// clone.
///
/// To simulate a server that hangs, return a future that never completes. To simulate a network
/// failure, return an error.
///
/// ```
/// use vault_http::test_util::MemoryServer;
/// use vault_http::{Address, ApiPath, Client, Plaintext, Request};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let server = MemoryServer::new(|request| async move {
///     assert_eq!(request.uri().path(), "/v1/sys/health");
///     Ok(MemoryServer::json(200, r#"{"sealed":false}"#))
/// });
/// let address = Address::parse("https://vault.test", Plaintext::LoopbackOnly).unwrap();
/// let client = Client::builder(address).transport(server).build().unwrap();
/// let request = Request::get(ApiPath::from_static("sys/health"));
/// let response = client.send(&request, None, client.deadline()).await.unwrap();
/// assert_eq!(response.status(), 200);
/// # });
/// ```
#[derive(Clone)]
pub struct MemoryServer(Arc<dyn Fn(http::Request<Bytes>) -> ResponseFuture + Send + Sync>);

impl MemoryServer {
    /// Creates a server that handles each request with `handler`.
    pub fn new<F, R>(handler: F) -> Self
    where
        F: Fn(http::Request<Bytes>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(handler(request))))
    }

    /// Returns a JSON response. An invalid status is replaced by 500.
    pub fn json(status: u16, body: impl Into<Bytes>) -> http::Response<Bytes> {
        let mut response = http::Response::new(body.into());
        *response.status_mut() =
            http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        response
    }
}

#[async_trait]
impl Transport for MemoryServer {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> Result<http::Response<ZeroizingBytes>, TransportError> {
        let (head, sent) = limits.head((self.0)(request)).await??.into_parts();
        let mut body = ZeroizingBytes::default();
        // In chunks, as from the network, so that the growth of the buffer is tested too.
        for chunk in sent.chunks(CHUNK_BYTES) {
            limits.append(&mut body, chunk).map_err(|error| error.with_status(head.status))?;
        }
        Ok(http::Response::from_parts(head, body))
    }
}

impl fmt::Debug for MemoryServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryServer")
    }
}
