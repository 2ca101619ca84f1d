//! The target of a redirect. Whether the target is the active node is decided by [`super::leader`].

use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::origin::Origin;

/// Returns the target of a redirect that repeats the request at another origin, as a standby's
/// redirect to the active node does.
///
/// Returns `None` for any other redirect: to another path or query, from `https` to `http`, or to
/// anything but an absolute URL. The paths are compared by their decoded segments because Go
/// encodes fewer characters than this crate. The target keeps the encoding of the original request.
pub(super) fn same_request(original: &Uri, location: &HeaderValue) -> Option<(Uri, Origin)> {
    let location = location.to_str().ok()?;
    // Parsing a `Uri` silently drops the fragment.
    if location.contains('#') {
        return None;
    }
    let target: Uri = location.parse().ok()?;
    let (from, to) = (Origin::of(original)?, Origin::of(&target)?);
    let downgrade = from.is_tls() && !to.is_tls();
    if downgrade || decoded(original) != decoded(&target) {
        return None;
    }
    let mut parts = target.into_parts();
    parts.path_and_query = original.path_and_query().cloned();
    Some((Uri::from_parts(parts).ok()?, to))
}

/// Returns the segments of the path and the parameters of the query, each percent-decoded.
fn decoded(uri: &Uri) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let decode = |part: &str| percent_decode_str(part).collect();
    let path = uri.path().split('/').map(decode).collect();
    let query = uri.query().into_iter().flat_map(|query| query.split('&')).map(decode);
    (path, query.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, location: &str, expected: bool) {
        let location = HeaderValue::from_str(location).unwrap();
        let original: Uri = original.parse().unwrap();
        assert_eq!(same_request(&original, &location).is_some(), expected, "{location:?}");
    }

    #[test]
    fn only_the_same_request_at_another_origin_is_followed() {
        let original = "https://node1:8200/v1/kv/data/a%20b?version=2";
        check(original, "https://node2:8200/v1/kv/data/a%20b?version=2", true);
        check(original, "https://node2/v1/kv/data/a%20b?version=2", true);
        check(original, "http://node2:8200/v1/kv/data/a%20b?version=2", false);
        check(original, "https://node2:8200/v1/kv/data/a%20b", false);
        check(original, "https://node2:8200/v1/kv/data/a b?version=2", false);
        check(original, "https://node2:8200/v1/kv/data/other?version=2", false);
        check(original, "https://u:p@node2:8200/v1/kv/data/a%20b?version=2", false);
        check(original, "https://node2:8200/v1/kv/data/a%20b?version=2#x", false);
        check(original, "/v1/kv/data/a%20b?version=2", false);
        check(original, "//node2:8200/v1/kv/data/a%20b?version=2", false);
        check(original, "data/a", false);
        check(original, "ftp://node2:8200/v1/kv/data/a%20b?version=2", false);
        check(original, "", false);
        check("http://n1/v1/a", "https://n2/v1/a", true);
    }

    #[test]
    fn path_is_compared_by_decoded_segments() {
        let original = "https://node1:8200/v1/kv/data/a%3A%40%26%3D%2B%24%2C%3Bb";
        check(original, "https://node2:8200/v1/kv/data/a:@&=+$,;b", true);
        check(original, "https://node2:8200/v1/kv/data/a:@&=+$,;c", false);
        check("https://n1/v1/kv/data/a%2Fb", "https://n2/v1/kv/data/a/b", false);
        check("https://n1/v1/kv/data/a%252Fb", "https://n2/v1/kv/data/a%2Fb", false);
        check("https://n1/v1/kv?a=%26b", "https://n2/v1/kv?a=&b", false);
        let original: Uri = original.parse().unwrap();
        let location = HeaderValue::from_static("https://node2:8200/v1/kv/data/a:@&=+$,;b");
        let (target, _) = same_request(&original, &location).unwrap();
        assert_eq!(target, "https://node2:8200/v1/kv/data/a%3A%40%26%3D%2B%24%2C%3Bb");
    }
}
