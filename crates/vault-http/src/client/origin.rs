//! Origins, which decide where a token may be sent.

use http::Uri;
use http::uri::{Authority, Scheme};

/// An [origin](https://www.rfc-editor.org/rfc/rfc6454): scheme, host and port. A token sent to one
/// origin is not sent to another unless the cluster names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// Returns the origin of `uri`, or `None` if it is not an absolute `http` or `https` URI, or
    /// contains user info.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let tls = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let port = port(authority, tls)?;
        Some(Self { tls, host: authority.host().to_ascii_lowercase(), port })
    }

    /// Returns whether requests to this origin are sent over TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Returns whether this is the origin of `leader_address`, as `sys/leader` returns it.
    pub(super) fn is_leader(&self, leader_address: &str) -> bool {
        let leader = leader_address.trim_end_matches('/').parse().ok();
        leader.and_then(|leader| Self::of(&leader)).is_some_and(|leader| leader == *self)
    }
}

fn port(authority: &Authority, tls: bool) -> Option<u16> {
    match authority.as_str().strip_prefix(authority.host())? {
        "" => Some(if tls { 443 } else { 80 }),
        _ => authority.port_u16(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leader_address_is_compared_as_an_origin() {
        let check = |location: &str, leader: &str, expected| {
            let origin = Origin::of(&location.parse().unwrap()).unwrap();
            assert_eq!(origin.is_leader(leader), expected, "{location} {leader}");
        };
        check("https://node2:8200/v1/a", "https://node2:8200", true);
        check("https://NODE2:8200/v1/a", "https://node2:8200/", true);
        check("https://node2/v1/a", "https://node2:443", true);
        check("https://node2:8200/v1/a", "https://node3:8200", false);
        check("https://node2:8200/v1/a", "http://node2:8200", false);
        check("https://node2:8200/v1/a", "https://node2:8201", false);
        check("https://node2:8200/v1/a", "", false);
        check("https://node2:8200/v1/a", "https://x@node2:8200", false);
    }
}
