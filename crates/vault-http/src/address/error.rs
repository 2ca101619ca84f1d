//! The error of an address.

use std::fmt;

use crate::path::PathError;

/// The reasons why a text is not a valid server address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// The text does not begin with `https://` or `http://`.
    Scheme,
    /// The host is missing, or the host or the port is malformed.
    Host,
    /// The host is preceded by `user:password@`, which would not be sent but would be logged.
    UserInfo,
    /// The text contains a `?` or `#`.
    QueryOrFragment,
    /// The base path is invalid.
    Base(PathError),
    /// The address of a proxy begins with `https://`. TLS is spoken with the server, through the
    /// proxy.
    ProxyTls,
    /// The address of a proxy has a path.
    ProxyPath,
    /// The scheme is `http`, and the host is not this machine.
    Plaintext,
}

impl AddressError {
    /// Returns the reason without its subject, such as `must have a valid host and port`, for
    /// messages that name the address themselves.
    pub fn reason(&self) -> String {
        let reason = match self {
            Self::Scheme => "must begin with `https://` or `http://`",
            Self::Host => "must have a valid host and port",
            Self::UserInfo => "must not contain user info (`user:password@`)",
            Self::QueryOrFragment => "must not contain a query or a fragment",
            Self::Base(error) => return format!("has a base path that {}", error.reason()),
            Self::ProxyTls => {
                "must begin with `http://`; TLS to the server passes through the proxy"
            }
            Self::ProxyPath => "must not have a path",
            Self::Plaintext => {
                "is plain http to a host that is not loopback, which would expose tokens and secrets"
            }
        };
        reason.to_owned()
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address {}", self.reason())
    }
}

impl std::error::Error for AddressError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Base(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PathError> for AddressError {
    fn from(error: PathError) -> Self {
        Self::Base(error)
    }
}
