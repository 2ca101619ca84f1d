//! A plain HTTP client of the sidecar, with one connection per request.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

/// A response whose body has been read.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Response {
    /// Returns the body as JSON, or null if it is empty.
    pub(crate) fn json(&self) -> Result<Value> {
        if self.text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.text).with_context(|| format!("not JSON: {}", self.text))
    }

    /// Fails unless the response has this status.
    pub(crate) fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.text);
        Ok(self)
    }

    /// Returns a header, or an empty string.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends one request to `127.0.0.1:port`, or to the socket `unix:PATH`. Adds the matching `Host`
/// unless the request has one.
pub(crate) async fn send(to: &str, mut request: Request<Full<Bytes>>) -> Result<Response> {
    let socket = to.strip_prefix("unix:");
    let host = HeaderValue::from_str(if socket.is_some() { "km" } else { to })?;
    request.headers_mut().entry(HOST).or_insert(host);
    match socket {
        Some(path) => exchange(UnixStream::connect(path).await?, request).await,
        None => exchange(TcpStream::connect(to).await?, request).await,
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let response = sender.send_request(request).await?;
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
    Ok(Response { status: parts.status.as_u16(), headers: parts.headers, text })
}
