//! Listeners on a Unix socket or on loopback, opened by this process or by systemd.

pub(crate) mod address;
mod systemd;
mod unix_socket;

use std::fmt;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::error::Failure;
use crate::sidecar::address::UNIX_PREFIX;
use address::ListenAddress;
use systemd::PassedSockets;
use unix_socket::UnixSocket;

/// A listening socket.
#[derive(Debug)]
pub(super) enum Listener {
    Unix(UnixSocket),
    Loopback(TcpListener),
}

/// A connection.
#[derive(Debug)]
pub(super) enum Stream {
    Unix(UnixStream),
    Loopback(TcpStream),
}

impl Listener {
    /// Takes the socket that systemd has passed to this process, or else opens the address.
    pub(super) async fn from_systemd_or_open(address: &ListenAddress) -> Result<Self, Failure> {
        let Some(passed) = PassedSockets::from_env() else {
            return Self::open(address).await;
        };
        let taken = match address {
            ListenAddress::Unix(_) => passed.take_unix().map(Self::Unix),
            ListenAddress::Loopback(_) => passed.take_loopback().map(Self::Loopback),
        };
        taken.map_err(|error| address.failed(&error))
    }

    /// Opens the address.
    pub(super) async fn open(address: &ListenAddress) -> Result<Self, Failure> {
        let opened = match address {
            ListenAddress::Unix(path) => UnixSocket::open(path).await.map(Self::Unix),
            ListenAddress::Loopback(socket) => TcpListener::bind(socket).await.map(Self::Loopback),
        };
        opened.map_err(|error| address.failed(&error))
    }

    /// Returns the address of a TCP listener.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Unix(_) => None,
            Self::Loopback(listener) => listener.local_addr().ok(),
        }
    }

    /// Accepts the next connection.
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(socket) => Ok(Stream::Unix(socket.listener().accept().await?.0)),
            Self::Loopback(listener) => {
                let (stream, _) = listener.accept().await?;
                // A failure only delays responses; a disconnected peer is noticed later.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Loopback(stream))
            }
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(socket) => write!(f, "{UNIX_PREFIX}{}", socket.path().display()),
            Self::Loopback(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(error) => error.fmt(f),
            },
        }
    }
}

impl Stream {
    /// Describes the client at the other end, for the log.
    pub(super) fn peer(&self) -> String {
        match self {
            Self::Unix(stream) => stream.peer_cred().map_or_else(
                |_| "unix".to_owned(),
                |client| match client.pid() {
                    Some(pid) => format!("uid {} pid {pid}", client.uid()),
                    None => format!("uid {}", client.uid()),
                },
            ),
            Self::Loopback(stream) => {
                stream.peer_addr().map_or_else(|_| "tcp".to_owned(), |address| address.to_string())
            }
        }
    }
}
