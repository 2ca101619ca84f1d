//! Where a redirect leads, and whether a token may go there. Pure: the leader's address is passed
//! in.

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

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

    /// Whether requests to it are sent in plain HTTP.
    pub(crate) fn is_plain(&self) -> bool {
        !self.tls
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
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

/// Returns the same request at another origin, which is what a standby's redirect to its leader is.
///
/// `None` for any other redirect: another path or query, no absolute URL, from `https` to `http`. A
/// path is compared by its decoded segments, because Go encodes fewer characters than we do; what
/// is sent is our own encoding.
pub(crate) fn same_request(asked: &Uri, location: &HeaderValue) -> Option<(Uri, Origin)> {
    let location = location.to_str().ok()?;
    // `Uri` drops a fragment without a word.
    if location.contains('#') {
        return None;
    }
    let target: Uri = location.parse().ok()?;
    let (from, to) = (Origin::of(asked)?, Origin::of(&target)?);
    let downgrade = from.tls && !to.tls;
    if downgrade || decoded(asked) != decoded(&target) {
        return None;
    }
    let mut parts = target.into_parts();
    parts.path_and_query = asked.path_and_query().cloned();
    Some((Uri::from_parts(parts).ok()?, to))
}

/// The segments of the path and the parts of the query, each decoded by itself.
fn decoded(uri: &Uri) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let decode = |part: &str| percent_decode_str(part).collect();
    let path = uri.path().split('/').map(decode).collect();
    let query = uri.query().into_iter().flat_map(|query| query.split('&')).map(decode);
    (path, query.collect())
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
    fn path_is_compared_by_decoded_segments() {
        let asked = "https://node1:8200/v1/kv/data/a%3A%40%26%3D%2B%24%2C%3Bb";
        check(asked, "https://node2:8200/v1/kv/data/a:@&=+$,;b", true);
        check(asked, "https://node2:8200/v1/kv/data/a:@&=+$,;c", false);
        check("https://n1/v1/kv/data/a%2Fb", "https://n2/v1/kv/data/a/b", false);
        check("https://n1/v1/kv/data/a%252Fb", "https://n2/v1/kv/data/a%2Fb", false);
        check("https://n1/v1/kv?a=%26b", "https://n2/v1/kv?a=&b", false);
        let asked: Uri = asked.parse().unwrap();
        let location = HeaderValue::from_static("https://node2:8200/v1/kv/data/a:@&=+$,;b");
        let (target, _) = same_request(&asked, &location).unwrap();
        assert_eq!(target, "https://node2:8200/v1/kv/data/a%3A%40%26%3D%2B%24%2C%3Bb");
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
