//! Where a redirect leads, and whether a token may go there. Pure: the leader's address is passed in.

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};

/// Scheme, host and port: to whom a token is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

impl Origin {
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let tls = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        // User info is no part of an origin; whoever writes it means something else.
        if authority.as_str().contains('@') {
            return None;
        }
        let port = port(authority, tls)?;
        Some(Self { tls, host: authority.host().to_ascii_lowercase(), port })
    }

    fn parse(text: &str) -> Option<Self> {
        Self::of(&text.trim_end_matches('/').parse().ok()?)
    }
}

fn port(authority: &Authority, tls: bool) -> Option<u16> {
    match authority.as_str().strip_prefix(authority.host())? {
        "" => Some(if tls { 443 } else { 80 }),
        _ => authority.port_u16(),
    }
}

/// The same request at another origin: what a standby's redirect to its leader is.
///
/// `None` for any other redirect: another path or query, no absolute URL, from `https` to `http`.
pub(crate) fn same_request(asked: &Uri, location: &HeaderValue) -> Option<(Uri, Origin)> {
    let location = location.to_str().ok()?;
    // `Uri` drops a fragment without a word.
    if location.contains('#') {
        return None;
    }
    let target: Uri = location.parse().ok()?;
    let (from, to) = (Origin::of(asked)?, Origin::of(&target)?);
    let downgrade = from.tls && !to.tls;
    let same = asked.path_and_query() == target.path_and_query();
    (same && !downgrade).then_some((target, to))
}

/// Whether the cluster says that `origin` is its own active node.
pub(crate) fn is_leader(origin: &Origin, leader_address: &str) -> bool {
    Origin::parse(leader_address).is_some_and(|leader| leader == *origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, location: &str, expected: bool) {
        let location = HeaderValue::from_str(location).unwrap();
        let asked: Uri = asked.parse().unwrap();
        assert_eq!(same_request(&asked, &location).is_some(), expected, "{location:?}");
    }

    #[test]
    fn only_the_same_request_elsewhere() {
        let asked = "https://node1:8200/v1/kv/data/a%20b?version=2";
        check(asked, "https://node2:8200/v1/kv/data/a%20b?version=2", true);
        check(asked, "https://node2/v1/kv/data/a%20b?version=2", true);
        check(asked, "http://node2:8200/v1/kv/data/a%20b?version=2", false);
        check(asked, "https://node2:8200/v1/kv/data/a%20b", false);
        check(asked, "https://node2:8200/v1/kv/data/a b?version=2", false);
        check(asked, "https://node2:8200/v1/kv/data/other?version=2", false);
        check(asked, "https://u:p@node2:8200/v1/kv/data/a%20b?version=2", false);
        check(asked, "https://node2:8200/v1/kv/data/a%20b?version=2#x", false);
        check(asked, "/v1/kv/data/a%20b?version=2", false);
        check(asked, "//node2:8200/v1/kv/data/a%20b?version=2", false);
        check(asked, "data/a", false);
        check(asked, "ftp://node2:8200/v1/kv/data/a%20b?version=2", false);
        check(asked, "", false);
        check("http://n1/v1/a", "https://n2/v1/a", true);
    }

    #[test]
    fn the_leader_is_compared_as_an_origin() {
        let check = |location: &str, leader: &str, expected| {
            let origin = Origin::of(&location.parse().unwrap()).unwrap();
            assert_eq!(is_leader(&origin, leader), expected, "{location} {leader}");
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
