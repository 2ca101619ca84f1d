//! The namespaces of the settings, and paths relative to them. Pure.
//!
//! A token has the policies of the namespace that issued it, and is valid in that namespace and in
//! those below it. The paths of a policy, and of requests for capabilities, are relative to the
//! namespace. `None` is the root namespace.
//!
//! [OpenBao](https://openbao.org/docs/concepts/namespaces/) and
//! [Vault](https://developer.hashicorp.com/vault/docs/enterprise/namespaces) agree on this.

use km_settings::Settings;

/// Returns the namespaces in which the policy of the settings may be written: that of the login
/// first if its tokens reach the secrets, that of the secrets, and the root namespace.
pub(super) fn policy_namespaces(settings: &Settings) -> Vec<Option<&str>> {
    let secrets = settings.location.namespace.as_deref();
    let login = settings.login.namespace.as_deref();
    let login = contains(login, secrets).then_some(login);
    let mut namespaces = Vec::new();
    for namespace in login.into_iter().chain([secrets, None]) {
        if !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
    }
    namespaces
}

/// Returns whether the namespace `inner` is `outer` or below it.
pub(super) fn contains(outer: Option<&str>, inner: Option<&str>) -> bool {
    inner.map_or(outer.is_none(), |inner| relative(&format!("{inner}/"), outer).is_some())
}

/// Returns a path, whose segments may be `+`, relative to a namespace. `None` if it is not below the
/// namespace.
pub(super) fn relative<'a>(path: &'a str, namespace: Option<&str>) -> Option<&'a str> {
    let mut rest = path;
    for expected in namespace.into_iter().flat_map(|namespace| namespace.split('/')) {
        let (segment, below) = rest.split_once('/')?;
        if segment != expected && segment != "+" {
            return None;
        }
        rest = below;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_relative_to_the_namespaces_that_contain_it() {
        for (path, namespace, expected) in [
            ("kv/data/a", None, Some("kv/data/a")),
            ("teams/a/kv/data/x", None, Some("teams/a/kv/data/x")),
            ("teams/a/kv/data/x", Some("teams"), Some("a/kv/data/x")),
            ("teams/a/kv/data/x", Some("teams/a"), Some("kv/data/x")),
            ("teams/a/kv/data/x", Some("teams/ab"), None),
            ("teams/a/kv/data/x", Some("team"), None),
            ("kv/data/x", Some("teams"), None),
            ("teams", Some("teams"), None),
            ("teams/+/kv/data/*", Some("teams/a"), Some("kv/data/*")),
            ("+/kv/data/*", Some("teams/a"), None),
        ] {
            assert_eq!(relative(path, namespace), expected, "{path} {namespace:?}");
        }
    }

    #[test]
    fn namespace_contains_itself_and_those_below_it() {
        for (outer, inner, expected) in [
            (None, None, true),
            (None, Some("teams/a"), true),
            (Some("teams"), Some("teams"), true),
            (Some("teams"), Some("teams/a"), true),
            (Some("teams/a"), Some("teams"), false),
            (Some("team"), Some("teams"), false),
            (Some("teams"), None, false),
        ] {
            assert_eq!(contains(outer, inner), expected, "{outer:?} {inner:?}");
        }
    }
}
