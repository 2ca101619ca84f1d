//! The namespace of a request. A client sends it in a header, or as the beginning of the path.

use http::HeaderMap;

const HEADER: &str = "x-vault-namespace";

/// Returns the path with the namespace of the header in front of it.
pub(super) fn qualify(path: &str, headers: &HeaderMap) -> String {
    match of(headers) {
        Some(namespace) => format!("{namespace}/{path}"),
        None => path.to_owned(),
    }
}

/// Returns the namespace of the header, or `None` for the root namespace.
pub(super) fn of(headers: &HeaderMap) -> Option<&str> {
    let namespace = headers.get(HEADER)?.to_str().ok()?.trim_matches('/');
    (!namespace.is_empty()).then_some(namespace)
}
