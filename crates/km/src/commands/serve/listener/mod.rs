//! Where it listens: a Unix socket or loopback, opened by us or by systemd.

mod unix;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;

use km_proxy_adapter::ErrorKind;
use listenfd::ListenFd;
use rustix::net::getpeername;
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::config::variable;
use crate::error::Failure;
use unix::Socket;

/// What stands before the path of a socket.
const UNIX: &str = "unix:";

/// A place to listen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Unix(PathBuf),
    Loopback(SocketAddr),
}

/// An open door.
#[derive(Debug)]
pub(super) enum Listener {
    Unix(Socket),
    Loopback(TcpListener),
}

/// A connection, and who is at its other end.
#[derive(Debug)]
pub(super) enum Stream {
    Unix(UnixStream),
    Loopback(TcpStream),
}

impl Place {
    /// The place that was given, or the default one.
    pub(super) fn parse(given: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = given else {
            return runtime_file("km.sock", "--listen").map(Self::Unix);
        };
        match text.strip_prefix(UNIX) {
            Some("") => Err(refused("--listen: there is no path after `unix:`")),
            Some(path) => Ok(Self::Unix(path.into())),
            None => Self::loopback(text),
        }
    }

    /// An address of loopback.
    pub(super) fn loopback(text: &str) -> Result<Self, Failure> {
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::Loopback(address)),
            Ok(_) => Err(refused("usage: only loopback and Unix sockets are listened on")),
            Err(_) => Err(refused("usage: this is no address to listen on")),
        }
    }

    fn refuses(&self, error: &io::Error) -> Failure {
        let what = format!("listen on {self}: {error}");
        Failure::new(ErrorKind::Usage, what, "choose another place, or end who listens there")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
            Self::Loopback(address) => address.fmt(f),
        }
    }
}

/// A file in the user's directory for such files.
pub(super) fn runtime_file(name: &str, option: &str) -> Result<PathBuf, Failure> {
    let directory = variable("XDG_RUNTIME_DIR")?.ok_or_else(|| {
        let what = format!("usage: {option} is not given, and XDG_RUNTIME_DIR is not set");
        Failure::new(ErrorKind::Usage, what, format!("give {option}"))
    })?;
    Ok(PathBuf::from(directory).join(name))
}

fn refused(what: &str) -> Failure {
    Failure::new(
        ErrorKind::Usage,
        what,
        "write unix:/path/of.sock, or an address as 127.0.0.1:8210",
    )
}

impl Listener {
    /// Takes over what systemd has opened for this place, or opens it.
    pub(super) async fn take_or_open(place: &Place) -> Result<Self, Failure> {
        let mut handed = ListenFd::from_env();
        if handed.len() == 0 {
            return Self::open(place).await;
        }
        let taken = match place {
            Place::Unix(_) => handed.take_unix_listener(0).and_then(|handed| {
                handed.map(unix_socket).transpose().map(|taken| taken.map(Self::Unix))
            }),
            Place::Loopback(_) => handed.take_tcp_listener(0).and_then(|handed| {
                handed.map(loopback).transpose().map(|taken| taken.map(Self::Loopback))
            }),
        };
        let none = || io::Error::other("what was handed over is something else");
        taken.and_then(|taken| taken.ok_or_else(none)).map_err(|error| place.refuses(&error))
    }

    /// Opens the place.
    pub(super) async fn open(place: &Place) -> Result<Self, Failure> {
        let opened = match place {
            Place::Unix(path) => Socket::open(path).await.map(Self::Unix),
            Place::Loopback(address) => TcpListener::bind(address).await.map(Self::Loopback),
        };
        opened.map_err(|error| place.refuses(&error))
    }

    /// Returns the address of a TCP listener.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Unix(_) => None,
            Self::Loopback(listener) => listener.local_addr().ok(),
        }
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(socket) => Ok(Stream::Unix(socket.listener().accept().await?.0)),
            Self::Loopback(listener) => {
                let (stream, _) = listener.accept().await?;
                // Without it a response is merely slower; a peer that is gone is noticed later.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Loopback(stream))
            }
        }
    }
}

fn unix_socket(handed: std::os::unix::net::UnixListener) -> io::Result<Socket> {
    listens(&handed)?;
    Socket::handed_over(handed)
}

/// One that systemd has opened: the same rule as for ours.
fn loopback(handed: std::net::TcpListener) -> io::Result<TcpListener> {
    listens(&handed)?;
    if !handed.local_addr()?.ip().is_loopback() {
        return Err(io::Error::other("the socket that was handed over is not of loopback"));
    }
    handed.set_nonblocking(true)?;
    TcpListener::from_std(handed)
}

/// Fails for a connection, which nobody can be let in by.
fn listens(handed: impl AsFd) -> io::Result<()> {
    if getpeername(handed).is_ok() {
        let why = "a connection was handed over: a unit of systemd needs `Accept=no`";
        return Err(io::Error::other(why));
    }
    Ok(())
}

impl Stream {
    /// Who is at the other end, for those who read the log.
    pub(super) fn peer(&self) -> String {
        match self {
            Self::Unix(stream) => stream.peer_cred().map_or_else(
                |_| "unix".to_owned(),
                |who| match who.pid() {
                    Some(pid) => format!("uid {} pid {pid}", who.uid()),
                    None => format!("uid {}", who.uid()),
                },
            ),
            Self::Loopback(stream) => {
                stream.peer_addr().map_or_else(|_| "tcp".to_owned(), |at| at.to_string())
            }
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(socket) => write!(f, "{UNIX}{}", socket.path().display()),
            Self::Loopback(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(error) => error.fmt(f),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_and_loopback() {
        let check = |text: &str, expected: bool| {
            assert_eq!(Place::parse(Some(text)).is_ok(), expected, "{text}");
        };
        check("unix:/run/km.sock", true);
        check("127.0.0.1:8210", true);
        check("127.9.9.9:1", true);
        check("[::1]:8210", true);
        for text in ["0.0.0.0:8210", "[::]:8210", "10.0.0.1:1", "[::ffff:127.0.0.1]:1", "unix:"] {
            check(text, false);
        }
        for text in ["", ":8210", "localhost:8210", "127.0.0.1", "/run/km.sock", "http://[::1]:1"] {
            check(text, false);
        }
    }
}
