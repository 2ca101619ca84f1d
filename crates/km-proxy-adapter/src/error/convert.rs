//! Conversion of the errors of the crates below into an [`Error`] with a kind and a hint.

use vault_http::{ErrorKind as Http, PathError};
use vault_kv::{ErrorKind as Stored, FieldError};

use super::{Error, ErrorKind, Problem};
use crate::read::load_error::LoadFailure;

/// Converts the error of an operation on the KV engine.
pub(crate) fn kv(operation: impl Into<String>, error: vault_kv::Error) -> Error {
    let stored = error.kind();
    let kind = match stored {
        Stored::NotFound | Stored::Deleted | Stored::Destroyed => ErrorKind::NotFound,
        Stored::WrongKvVersion => ErrorKind::StoredValue,
        Stored::CasMismatch | Stored::CasRequired | Stored::Ambiguous => ErrorKind::Conflict,
        Stored::TooLarge => ErrorKind::Usage,
        Stored::Exchange(kind) => http_kind(kind),
        _ => ErrorKind::Internal,
    };
    with_optional_hint(Error::new(kind, operation).with_source(error), kv_hint(stored))
}

/// Converts the error of an HTTP request.
pub(crate) fn http(operation: impl Into<String>, error: vault_http::Error) -> Error {
    let kind = error.kind();
    with_optional_hint(Error::new(http_kind(kind), operation).with_source(error), http_hint(kind))
}

/// Converts the error of a stored secret whose field has no usable value.
pub(crate) fn field(operation: impl Into<String>, error: FieldError) -> Error {
    let hint = match &error {
        FieldError::Missing { field } => format!("store the value as a string in field `{field}`"),
        _ => "store the value as a string: put it in quotes".to_owned(),
    };
    Error::new(ErrorKind::StoredValue, operation).with_source(error).with_hint(hint)
}

/// Converts the error of a read through the cache.
pub(crate) fn cached(operation: String, error: &secret_cache::Error<LoadFailure>) -> Error {
    if let Some(LoadFailure(error)) = error.load_error() {
        return kv(operation, error.clone());
    }
    let kind = match error {
        // The version's `deletion_time` has passed.
        secret_cache::Error::Expired => ErrorKind::NotFound,
        secret_cache::Error::Outdated | secret_cache::Error::Busy => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, operation).with_source(error.clone())
}

/// Returns the error of a path that the settings contain. [`VaultValidator`] rejects such a path
/// earlier, so only settings that were checked by other rules get here.
///
/// [`VaultValidator`]: crate::VaultValidator
pub(crate) fn invalid_path(source: &str, why: &PathError) -> Error {
    invalid_setting(source, why.reason(), "use plain segments separated by `/`")
}

/// Returns the error of one setting with an invalid value.
pub(crate) fn invalid_setting(source: &str, why: impl ToString, hint: &str) -> Error {
    let (message, hint) = (why.to_string(), hint.to_owned());
    Error::settings([Problem { source: source.to_owned(), message, hint }])
}

fn with_optional_hint(error: Error, hint: Option<&str>) -> Error {
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn http_kind(kind: Http) -> ErrorKind {
    match kind {
        Http::TokenInvalid | Http::LoginRefused => ErrorKind::Auth,
        Http::Denied | Http::Forbidden => ErrorKind::Denied,
        Http::NotFound | Http::NoMount | Http::NoNamespace => ErrorKind::NotFound,
        Http::CasMismatch | Http::CasRequired => ErrorKind::Conflict,
        Http::TooLarge | Http::Rejected => ErrorKind::Usage,
        _ => ErrorKind::Unavailable,
    }
}

fn kv_hint(kind: Stored) -> Option<&'static str> {
    match kind {
        Stored::NotFound => Some("write it, or check HCP_VAULT_PATH_PREFIX and the name"),
        Stored::Deleted => Some("undelete that version, or write a new one"),
        Stored::Destroyed => Some("write a new version"),
        Stored::WrongKvVersion => {
            Some("set HCP_VAULT_MOUNT_NAME to a KV version 2 mount, or upgrade the mount")
        }
        Stored::CasMismatch => Some("read the current version, then decide whether to write again"),
        Stored::CasRequired => Some("name the version to replace"),
        Stored::Ambiguous => {
            Some("the write may have been executed: read the secret before you write again")
        }
        Stored::TooLarge => Some("store a value of at most 768 KiB"),
        Stored::Exchange(kind) => http_hint(kind),
        _ => None,
    }
}

fn http_hint(kind: Http) -> Option<&'static str> {
    Some(match kind {
        Http::Unreachable => "check HCP_VAULT_ADDR, and that the server is running",
        Http::Tls => {
            "check the scheme and port of HCP_VAULT_ADDR; set KM_CA_CERT to the CA bundle to \
             trust, KM_TLS_SERVER_NAME to the name in the certificate"
        }
        Http::Timeout => "check the health of the server, or raise KM_DEADLINE",
        Http::Sealed => "unseal the server",
        Http::Server | Http::Interrupted => "check the logs of the server and of any proxy",
        Http::Overloaded => "read fewer names at once",
        Http::NoLeader | Http::Redirected => "set HCP_VAULT_ADDR to the cluster's active node",
        Http::NamespaceLocked => "ask an administrator to unlock the namespace",
        Http::NamespaceSealed => "unseal the namespace",
        Http::RateLimited => "raise the rate limit quota, or send fewer requests",
        Http::Malformed => "check that HCP_VAULT_ADDR is Vault's address, and check any proxy",
        Http::LoginRefused => {
            "check the credential, the role and the auth mount (HCP_VAULT_LOGIN_NAMESPACE too)"
        }
        Http::TokenInvalid => {
            "set HCP_VAULT_TOKEN, or the file that KM_TOKEN_FILE names, to a valid token"
        }
        Http::Denied | Http::Forbidden => "give the token a policy that allows this path",
        Http::NoMount => "check HCP_VAULT_MOUNT_NAME and HCP_VAULT_NAMESPACE",
        Http::NoNamespace => {
            "create the namespace, or check HCP_VAULT_NAMESPACE, HCP_VAULT_LOGIN_NAMESPACE and \
             HCP_VAULT_SECRET_NAMESPACE"
        }
        _ => return None,
    })
}
