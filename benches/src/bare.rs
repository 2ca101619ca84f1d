//! Plain hyper, as a reference and as a load generator: one connection per reader, no pool, the
//! body is read but not parsed.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::canned;
use crate::fleet::Reader;

/// A connection whose requests go to one path by default.
#[derive(Debug)]
pub struct Bare {
    sender: SendRequest<Empty<Bytes>>,
    host: HeaderValue,
    path: Uri,
    token: Option<HeaderValue>,
    _connection: JoinSet<hyper::Result<()>>,
}

impl Bare {
    /// Connects. Each request carries the token.
    ///
    /// # Errors
    /// The connection cannot be made.
    pub async fn connect(
        address: SocketAddr,
        path: &'static str,
        token: &'static str,
    ) -> Result<Self> {
        let token = HeaderValue::from_static(token);
        Self::connect_with(address, Uri::from_static(path), Some(token)).await
    }

    /// Like [`connect`](Self::connect), with any path. Without a token, requests carry none.
    ///
    /// # Errors
    /// Like [`connect`](Self::connect).
    pub async fn connect_with(
        address: SocketAddr,
        path: Uri,
        token: Option<HeaderValue>,
    ) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        Ok(Self {
            sender,
            host: address.to_string().parse()?,
            path,
            token,
            _connection: connections,
        })
    }

    /// Requests a path.
    ///
    /// # Errors
    /// There is no response, or its status is an error.
    pub async fn ask(&mut self, path: Uri) -> Result<Bytes> {
        Ok(self.exchange(path).await?.into_body())
    }

    /// Like [`ask`](Self::ask), with the headers of the response.
    ///
    /// # Errors
    /// Like [`ask`](Self::ask).
    pub async fn exchange(&mut self, path: Uri) -> Result<Response<Bytes>> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(self.request(path)).await?;
        ensure!(answer.status().is_success(), "status {}", answer.status());
        let (head, body) = answer.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }

    fn request(&self, path: Uri) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = path;
        request.headers_mut().insert(HOST, self.host.clone());
        if let Some(token) = &self.token {
            request.headers_mut().insert("x-vault-token", token.clone());
        }
        request
    }
}

impl Reader for Bare {
    type Answer = Bytes;

    async fn read(&mut self) -> Result<Bytes> {
        self.ask(self.path.clone()).await
    }

    fn is_right(answer: &Bytes) -> bool {
        let value = canned::VALUE.as_bytes();
        answer.windows(value.len()).any(|part| part == value)
    }
}
