//! The address of a running sidecar, which is on this machine.
//!
//! Names are not resolved, so that no resolver can send a request to another machine.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use km_proxy_adapter::ErrorKind;

use crate::config::variable;
use crate::error::Failure;

/// The prefix of a Unix socket's path.
pub(crate) const UNIX_PREFIX: &str = "unix:";

/// The name of the default socket in the user's runtime directory.
pub(crate) const SOCKET_FILE: &str = "km.sock";

/// The option and the variable of the address.
const OPTION: &str = "--server (KM_SERVE_ADDR)";

const HTTP_PREFIX: &str = "http://";

/// The only host name that is accepted.
const LOCALHOST: &str = "localhost";

/// The address of a running sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SidecarAddress {
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// Loopback addresses that are tried in order, and the `Host` of requests.
    Loopback { host: String, addresses: Vec<SocketAddr> },
}

impl SidecarAddress {
    /// Returns the address that the option `--server` names, or else the variable `KM_SERVE_ADDR`,
    /// or else the default socket of `km serve`.
    ///
    /// # Errors
    ///
    /// `Usage` if the address is not valid, or if there is no default; `Settings` if the variable
    /// is not UTF-8.
    pub(crate) fn find(option: Option<&str>) -> Result<Self, Failure> {
        let text = match option {
            Some(text) => Some(text.to_owned()),
            None => variable("KM_SERVE_ADDR")?,
        };
        match text {
            Some(text) => Self::parse(&text, OPTION),
            None => runtime_file(SOCKET_FILE, OPTION).map(Self::Unix),
        }
    }

    /// Parses `unix:PATH`, `HOST:PORT` or `http://HOST:PORT`, the value of an option.
    ///
    /// # Errors
    ///
    /// `Usage`, with the name of the option.
    pub(super) fn parse(text: &str, option: &str) -> Result<Self, Failure> {
        let invalid = |why| invalid(option, why);
        if let Some(path) = text.strip_prefix(UNIX_PREFIX) {
            return match path {
                "" => Err(invalid("no path after `unix:`")),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let host = match text.strip_prefix(HTTP_PREFIX) {
            Some(rest) => rest.strip_suffix('/').unwrap_or(rest),
            None => text,
        };
        let addresses = match host.rsplit_once(':') {
            Some((LOCALHOST, port)) => port.parse().ok().map(localhost),
            _ => host.parse().ok().map(|address| vec![address]),
        };
        let addresses: Vec<SocketAddr> = addresses
            .ok_or_else(|| invalid("neither a Unix socket nor a loopback address with a port"))?;
        if !addresses.iter().all(|address| address.ip().is_loopback()) {
            return Err(invalid("not a loopback address"));
        }
        Ok(Self::Loopback { host: host.to_owned(), addresses })
    }

    /// Returns the `Host` of requests. It has no meaning on a Unix socket.
    pub(super) fn host(&self) -> &str {
        match self {
            Self::Unix(_) => "km",
            Self::Loopback { host, .. } => host,
        }
    }
}

impl fmt::Display for SidecarAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{UNIX_PREFIX}{}", path.display()),
            Self::Loopback { host, .. } => f.write_str(host),
        }
    }
}

fn localhost(port: u16) -> Vec<SocketAddr> {
    vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]
}

fn invalid(option: &str, why: &str) -> Failure {
    let what = format!("usage: invalid {option}: {why}");
    let hint = "use unix:/path/to/km.sock, or a loopback address such as 127.0.0.1:8210";
    Failure::new(ErrorKind::Usage, what, hint)
}

/// Returns the path of a file in the user's runtime directory, which is the default of `option`.
///
/// # Errors
///
/// `Usage` if `XDG_RUNTIME_DIR` is not set.
pub(crate) fn runtime_file(name: &str, option: &str) -> Result<PathBuf, Failure> {
    let directory = variable("XDG_RUNTIME_DIR")?.ok_or_else(|| {
        let what = format!("usage: {option} has no default, because XDG_RUNTIME_DIR is not set");
        Failure::new(ErrorKind::Usage, what, format!("set {option}"))
    })?;
    Ok(PathBuf::from(directory).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unix_sockets_and_loopback_are_accepted() {
        for (text, expected) in [
            ("unix:/run/km.sock", Some("unix:/run/km.sock")),
            ("unix:km.sock", Some("unix:km.sock")),
            ("127.0.0.1:8210", Some("127.0.0.1:8210")),
            ("127.9.9.9:1", Some("127.9.9.9:1")),
            ("[::1]:8210", Some("[::1]:8210")),
            ("localhost:8210", Some("localhost:8210")),
            ("http://127.0.0.1:8210", Some("127.0.0.1:8210")),
            ("http://localhost:8210/", Some("localhost:8210")),
            ("unix:", None),
            ("", None),
            (":8210", None),
            ("127.0.0.1", None),
            ("localhost", None),
            ("localhost:port", None),
            ("localhost:65536", None),
            ("/run/km.sock", None),
            ("0.0.0.0:8210", None),
            ("[::]:8210", None),
            ("10.0.0.1:1", None),
            ("[::ffff:127.0.0.1]:1", None),
            ("vault.example:8210", None),
            ("localhost.example:8210", None),
            ("https://127.0.0.1:8210", None),
            ("http://user@127.0.0.1:8210", None),
            ("http://127.0.0.1:8210/path", None),
            ("http://127.0.0.1:8210?query", None),
            ("http://unix:/run/km.sock", None),
        ] {
            let parsed =
                SidecarAddress::parse(text, OPTION).ok().map(|address| address.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
    }
}
