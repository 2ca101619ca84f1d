//! An in-memory server in place of connections, for tests on paused time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::transport::{Limits, Transport, TransportError};
use crate::zeroizing::ZeroizingBytes;

/// Bytes of a body that come at once.
const PART: usize = 4 * 1024;

type Answering =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send>>;

/// A [`Transport`] whose requests are answered by a function. Cheap to clone.
///
/// A function that never returns is a server that hangs; an error is a fault of the network.
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
pub struct MemoryServer(Arc<dyn Fn(http::Request<Bytes>) -> Answering + Send + Sync>);

impl MemoryServer {
    /// A server that answers each request by `answer`.
    pub fn new<F, A>(answer: F) -> Self
    where
        F: Fn(http::Request<Bytes>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(answer(request))))
    }

    /// A JSON response. A status that is none becomes 500.
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
        // In parts, as a chunked body comes.
        for part in sent.chunks(PART) {
            limits.append(&mut body, part).map_err(|error| error.with_status(head.status))?;
        }
        Ok(http::Response::from_parts(head, body))
    }
}

impl fmt::Debug for MemoryServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryServer")
    }
}
