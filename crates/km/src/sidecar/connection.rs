//! A connection to a sidecar.
//!
//! Nothing is sent over a Unix socket before its owner is verified, so that no token and no name of
//! a secret reaches a process of another user.

use std::io;
use std::path::Path;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use km_proxy_adapter::ErrorKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

use super::address::SidecarAddress;
use super::response::failed;
use crate::error::Failure;
use crate::trusted_path::is_trusted;

/// An open connection for one request. It must be kept until the response has been read.
pub(super) struct Connection<'a> {
    address: &'a SidecarAddress,
    sender: SendRequest<Full<Bytes>>,
    /// The task that drives the connection.
    _driver: JoinSet<()>,
}

impl<'a> Connection<'a> {
    /// Connects.
    ///
    /// # Errors
    ///
    /// `Unavailable` if no process listens at the address, `Denied` if this user cannot connect to
    /// the socket or if it is another user's, `Usage` if its path is not valid.
    pub(super) async fn open(address: &'a SidecarAddress) -> Result<Self, Failure> {
        let not_connected = |error: io::Error| not_connected(address, &error);
        match address {
            SidecarAddress::Unix(path) => {
                let stream = connect_to_own_socket(path).await.map_err(not_connected)?;
                Self::over(address, stream).await
            }
            SidecarAddress::Loopback { addresses, .. } => {
                let stream = TcpStream::connect(addresses.as_slice()).await;
                Self::over(address, stream.map_err(not_connected)?).await
            }
        }
    }

    async fn over(
        address: &'a SidecarAddress,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Self, Failure> {
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|_| failed(address, "the connection was closed"))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Its error is that of the request or of the body.
            let _ = connection.await;
        });
        Ok(Self { address, sender, _driver: driver })
    }

    /// Sends the request and returns the head of the response.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the connection ends before.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let response = self.sender.send_request(request).await;
        response.map_err(|_| failed(self.address, "the connection was closed without a response"))
    }
}

/// Connects to a Unix socket on which this user or root listens.
async fn connect_to_own_socket(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path).await?;
    if is_trusted(stream.peer_cred()?.uid()) {
        Ok(stream)
    } else {
        let why = "the process that listens on it belongs to another user";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }
}

fn not_connected(address: &SidecarAddress, error: &io::Error) -> Failure {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            (ErrorKind::Denied, "run km as the user that runs km serve")
        }
        io::ErrorKind::InvalidInput => (ErrorKind::Usage, "use the shorter path of a Unix socket"),
        _ => (
            ErrorKind::Unavailable,
            "start km serve, or set --server (KM_SERVE_ADDR) to its --listen address",
        ),
    };
    Failure::new(kind, format!("connect to km serve at {address}: {error}"), hint)
}
