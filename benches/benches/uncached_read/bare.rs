//! The reference: hyper alone. One connection for each reader, no pool, the body read and not looked
//! at.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use benches::{Reader, canned};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub(crate) struct Bare {
    sender: SendRequest<Empty<Bytes>>,
    host: HeaderValue,
    path: Uri,
    token: HeaderValue,
    _connection: JoinSet<hyper::Result<()>>,
}

impl Bare {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        Ok(Self {
            sender,
            host: address.to_string().parse()?,
            path: Uri::from_static(canned::PATH),
            token: HeaderValue::from_static(canned::TOKEN),
            _connection: connections,
        })
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.path.clone();
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().insert("x-vault-token", self.token.clone());
        request
    }
}

impl Reader for Bare {
    type Answer = Bytes;

    async fn read(&mut self) -> Result<Bytes> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(self.request()).await?;
        ensure!(answer.status().is_success(), "status {}", answer.status());
        Ok(answer.into_body().collect().await?.to_bytes())
    }

    fn is_right(answer: &Bytes) -> bool {
        answer == canned::BODY
    }
}
