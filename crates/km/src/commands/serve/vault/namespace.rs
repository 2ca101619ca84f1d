//! The namespace of a request. A client sends it in a header, as the beginning of the path, or in
//! parts in both: the path is relative to the namespace of the header.

use http::HeaderMap;

const HEADER: &str = "x-vault-namespace";

/// The name of the root namespace in the header.
const ROOT: &str = "root";

/// Returns the path from the root namespace, or `None` if the header is not one valid namespace.
///
/// As in Vault, slashes at either end of a namespace and repeated ones have no meaning.
pub(super) fn qualify(path: &str, headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(namespace) = values.next() else { return Some(path.to_owned()) };
    let namespace = namespace.to_str().ok().filter(|_| values.next().is_none())?;
    let segments: Vec<_> = namespace.split('/').filter(|segment| !segment.is_empty()).collect();
    Some(match segments.as_slice() {
        [] | [ROOT] => path.to_owned(),
        segments => format!("{}/{path}", segments.join("/")),
    })
}

/// Splits a path from the root namespace after as much of `namespace` as it begins with, so that the
/// first part is empty or ends in a slash.
pub(super) fn split<'a>(path: &'a str, namespace: Option<&str>) -> (&'a str, &'a str) {
    let mut end = 0;
    for segment in namespace.into_iter().flat_map(|namespace| namespace.split('/')) {
        let rest = path.get(end..).and_then(|rest| rest.strip_prefix(segment));
        if rest.is_none_or(|rest| !rest.starts_with('/')) {
            break;
        }
        end += segment.len() + 1;
    }
    path.split_at(end)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |value: &&[u8]| HeaderValue::from_bytes(value).unwrap();
        values.iter().map(|bytes| (HEADER.parse().unwrap(), value(bytes))).collect()
    }

    #[test]
    fn namespace_of_the_header_is_put_before_the_path() {
        for (values, expected) in [
            (&[][..], Some("kv/data/a")),
            (&[b"".as_slice()], Some("kv/data/a")),
            (&[b"/"], Some("kv/data/a")),
            (&[b"root"], Some("kv/data/a")),
            (&[b"root/"], Some("kv/data/a")),
            (&[b"teams"], Some("teams/kv/data/a")),
            (&[b"/teams//team-a/"], Some("teams/team-a/kv/data/a")),
            (&[b"root/teams"], Some("root/teams/kv/data/a")),
            (&[b"teams", b"teams"], None),
            (&[b"te\xffams"], None),
        ] {
            assert_eq!(qualify("kv/data/a", &headers(values)).as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn path_is_split_after_the_namespace() {
        for (path, namespace, expected) in [
            ("sys/health", None, ("", "sys/health")),
            ("sys/health", Some("teams"), ("", "sys/health")),
            ("teams/sys/health", Some("teams"), ("teams/", "sys/health")),
            ("teams/sys/health", Some("teams/team-a"), ("teams/", "sys/health")),
            ("teams/team-a/sys/x", Some("teams/team-a"), ("teams/team-a/", "sys/x")),
            ("teams/team-b/sys/x", Some("teams/team-a"), ("teams/", "team-b/sys/x")),
            ("teamsters/sys/x", Some("teams"), ("", "teamsters/sys/x")),
            ("teams", Some("teams"), ("", "teams")),
        ] {
            assert_eq!(split(path, namespace), expected, "{path} {namespace:?}");
        }
    }
}
