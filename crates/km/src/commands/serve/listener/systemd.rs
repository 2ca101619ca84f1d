//! Sockets that systemd has opened, see
//! [`sd_listen_fds(3)`](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html).

use std::io;
use std::os::fd::AsFd;

use listenfd::ListenFd;
use rustix::net::getpeername;
use tokio::net::TcpListener;

use super::unix_socket::UnixSocket;

/// The sockets passed to this process.
pub(super) struct PassedSockets(ListenFd);

impl PassedSockets {
    /// Returns the sockets passed to this process, or `None` if there are none.
    pub(super) fn from_env() -> Option<Self> {
        let sockets = ListenFd::from_env();
        (sockets.len() != 0).then_some(Self(sockets))
    }

    /// Takes a Unix socket.
    pub(super) fn take_unix(mut self) -> io::Result<UnixSocket> {
        let socket = self.0.take_unix_listener(0)?.ok_or_else(no_socket)?;
        check_listens(&socket)?;
        UnixSocket::from_systemd(socket)
    }

    /// Takes a TCP socket, which has to be bound to loopback.
    pub(super) fn take_loopback(mut self) -> io::Result<TcpListener> {
        let socket = self.0.take_tcp_listener(0)?.ok_or_else(no_socket)?;
        check_listens(&socket)?;
        if !socket.local_addr()?.ip().is_loopback() {
            return Err(io::Error::other("the socket from systemd is not bound to loopback"));
        }
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    }
}

fn no_socket() -> io::Error {
    io::Error::other("systemd has passed no socket")
}

/// Fails for the socket of a connection, which cannot accept others.
fn check_listens(socket: impl AsFd) -> io::Result<()> {
    if getpeername(socket).is_ok() {
        let why = "systemd has passed a connection: set `Accept=no` in the socket unit";
        return Err(io::Error::other(why));
    }
    Ok(())
}
