//! The addresses of listeners: Unix sockets and loopback, because secrets must not leave the
//! machine.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use km_proxy_adapter::ErrorKind;

use crate::error::Failure;
use crate::sidecar::address::{SOCKET_FILE, UNIX_PREFIX, runtime_file};

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// A loopback address and its port.
    Loopback(SocketAddr),
}

impl ListenAddress {
    /// Parses the argument of `--listen`. Without one, returns the default socket.
    ///
    /// # Errors
    ///
    /// `Usage` if the address is not valid, or if there is no default.
    pub(crate) fn parse(argument: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = argument else {
            return runtime_file(SOCKET_FILE, "--listen").map(Self::Unix);
        };
        match text.strip_prefix(UNIX_PREFIX) {
            Some("") => Err(invalid("no path after `unix:`")),
            Some(path) => Ok(Self::Unix(path.into())),
            None => Self::parse_loopback(text),
        }
    }

    /// Parses a loopback address.
    ///
    /// # Errors
    ///
    /// `Usage` if the address is not valid or not loopback.
    pub(crate) fn parse_loopback(text: &str) -> Result<Self, Failure> {
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::Loopback(address)),
            Ok(_) => Err(invalid("not a loopback address")),
            Err(_) => Err(invalid("neither a Unix socket nor a loopback address")),
        }
    }

    /// Returns the failure to listen on this address.
    pub(super) fn failed(&self, error: &io::Error) -> Failure {
        let what = format!("listen on {self}: {error}");
        let hint = "choose another address, or stop the process that listens on this one";
        Failure::new(ErrorKind::Usage, what, hint)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{UNIX_PREFIX}{}", path.display()),
            Self::Loopback(address) => address.fmt(f),
        }
    }
}

fn invalid(why: &str) -> Failure {
    let hint = "use unix:/path/to/km.sock, or a loopback address such as 127.0.0.1:8210";
    Failure::new(ErrorKind::Usage, format!("usage: invalid listen address: {why}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unix_sockets_and_loopback_are_accepted() {
        let check = |text: &str, expected: bool| {
            assert_eq!(ListenAddress::parse(Some(text)).is_ok(), expected, "{text}");
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
