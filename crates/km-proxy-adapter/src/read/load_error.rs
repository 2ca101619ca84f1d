//! The error of a load, and what it means for cached values and for the fallback. Pure.

use std::fmt;

use secret_cache::{LoadError, LoadErrorKind};
use vault_http::ErrorKind as Http;
use vault_kv::ErrorKind;

/// The error of reading a secret from Vault.
#[derive(Debug, Clone)]
pub(crate) struct LoadFailure(pub(crate) vault_kv::Error);

impl LoadFailure {
    /// Returns whether no version was ever stored under the name. A deleted version, a missing
    /// mount and a missing namespace are not definite misses: they are a decision or
    /// mistake, which a fallback would hide.
    pub(crate) fn is_definite_miss(&self) -> bool {
        self.0.kind() == ErrorKind::NotFound
    }

    /// Returns whether the mount or the namespace does not exist.
    pub(crate) fn is_mount_missing(&self) -> bool {
        matches!(self.0.kind(), ErrorKind::Exchange(Http::NoMount | Http::NoNamespace))
    }
}

impl LoadError for LoadFailure {
    fn kind(&self) -> LoadErrorKind {
        load_error_kind(self.0.kind(), self.0.may_serve_stale())
    }
}

/// Maps the error of a read to its effect on the cached value.
///
/// A failed login says nothing about a secret, so the value stays for `max_stale`. A locked
/// namespace, a missing mount and a missing namespace evict it, because they are decisions of an
/// operator.
fn load_error_kind(kind: ErrorKind, may_serve_stale: bool) -> LoadErrorKind {
    match kind {
        ErrorKind::Exchange(Http::LoginRefused | Http::TokenInvalid) => {
            LoadErrorKind::Unauthenticated
        }
        _ if may_serve_stale => LoadErrorKind::Unavailable,
        ErrorKind::NotFound | ErrorKind::Deleted | ErrorKind::Destroyed => LoadErrorKind::NotFound,
        _ => LoadErrorKind::Denied,
    }
}

impl fmt::Display for LoadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for LoadFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_error_is_mapped_to_its_effect_on_the_cached_value() {
        let check = |kinds: &[Http], expected| {
            for kind in kinds {
                let may_serve_stale = kind.semantics().may_serve_stale;
                assert_eq!(
                    load_error_kind(ErrorKind::Exchange(*kind), may_serve_stale),
                    expected,
                    "{kind:?}"
                );
            }
        };
        check(
            &[
                Http::Unreachable,
                Http::Timeout,
                Http::Interrupted,
                Http::Sealed,
                Http::NamespaceSealed,
                Http::NoLeader,
                Http::RateLimited,
                Http::Upgrading,
                Http::Server,
                Http::Overloaded,
            ],
            LoadErrorKind::Unavailable,
        );
        check(&[Http::LoginRefused, Http::TokenInvalid], LoadErrorKind::Unauthenticated);
        check(
            &[
                Http::NamespaceLocked,
                Http::NoMount,
                Http::NoNamespace,
                Http::Denied,
                Http::Forbidden,
            ],
            LoadErrorKind::Denied,
        );
        for kind in [ErrorKind::NotFound, ErrorKind::Deleted, ErrorKind::Destroyed] {
            assert_eq!(load_error_kind(kind, false), LoadErrorKind::NotFound, "{kind:?}");
        }
    }
}
