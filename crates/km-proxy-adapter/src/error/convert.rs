//! From the errors of the crates below to an [`Error`]: whose matter it is, and what helps.

use vault_http::ErrorKind as Http;
use vault_kv::{ErrorKind as Stored, FieldError};

use crate::error::{Error, ErrorKind};
use crate::read::load::LoadFailure;

/// The error of an operation on the KV engine.
pub(crate) fn kv(operation: impl Into<String>, error: vault_kv::Error) -> Error {
    let stored = error.kind();
    let kind = match stored {
        Stored::NotFound | Stored::Deleted | Stored::Destroyed => ErrorKind::NotFound,
        Stored::WrongKvVersion => ErrorKind::StoredValue,
        Stored::CasMismatch | Stored::CasRequired | Stored::Ambiguous => ErrorKind::Conflict,
        Stored::TooLarge => ErrorKind::Usage,
        Stored::Exchange(kind) => exchange_kind(kind),
        _ => ErrorKind::Internal,
    };
    hinted(Error::new(kind, operation).with_source(error), kv_hint(stored))
}

/// The error of an exchange.
pub(crate) fn http(operation: impl Into<String>, error: vault_http::Error) -> Error {
    let kind = error.kind();
    hinted(Error::new(exchange_kind(kind), operation).with_source(error), exchange_hint(kind))
}

fn hinted(error: Error, hint: Option<&str>) -> Error {
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The error of a stored secret that has no usable value.
pub(crate) fn field(operation: impl Into<String>, error: FieldError) -> Error {
    let hint = match &error {
        FieldError::Missing { field } => {
            format!("the value is expected as a string in the field `{field}`")
        }
        _ => "store the value as a string: put it in quotes".to_owned(),
    };
    Error::new(ErrorKind::StoredValue, operation).with_source(error).with_hint(hint)
}

/// The error of a read through the cache.
pub(crate) fn cached(operation: String, error: &secret_cache::Error<LoadFailure>) -> Error {
    if let Some(LoadFailure(error)) = error.load_error() {
        return kv(operation, error.clone());
    }
    let kind = match error {
        // Vault deletes it at a time that it said in advance, and that has come.
        secret_cache::Error::Expired => ErrorKind::NotFound,
        secret_cache::Error::Outdated | secret_cache::Error::Busy => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, operation).with_source(error.clone())
}

fn exchange_kind(kind: Http) -> ErrorKind {
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
        Stored::WrongKvVersion => Some(
            "a KV engine of version 2 is needed: check HCP_VAULT_MOUNT_NAME, or upgrade the mount",
        ),
        Stored::CasMismatch => {
            Some("somebody else wrote: read the current version and decide again")
        }
        Stored::CasRequired => Some("name the version that is to be replaced"),
        Stored::Ambiguous => {
            Some("the write may have been executed: read the secret to find out, then decide")
        }
        Stored::TooLarge => Some("a value may have 768 KiB at most"),
        Stored::Exchange(kind) => exchange_hint(kind),
        _ => None,
    }
}

fn exchange_hint(kind: Http) -> Option<&'static str> {
    Some(match kind {
        Http::Unreachable => "check HCP_VAULT_ADDR, and that the server runs",
        Http::Tls => {
            "check the scheme and the port of HCP_VAULT_ADDR; KM_CA_CERT names the bundle to trust, \
             KM_TLS_SERVER_NAME the name in the certificate"
        }
        Http::Timeout => "see whether the server is well; KM_DEADLINE is the time that it has",
        Http::Sealed => "unseal the server",
        Http::Server | Http::Interrupted => "see the server's log, and what stands before it",
        Http::Overloaded => "ask for fewer names at once",
        Http::NoLeader | Http::Redirected => "set HCP_VAULT_ADDR to the cluster's active node",
        Http::NamespaceLocked => "the namespace was locked by an administrator, who can unlock it",
        Http::RateLimited => "raise the rate limit quota, or ask less often",
        Http::Malformed => "check that HCP_VAULT_ADDR is Vault, and what stands before it",
        Http::LoginRefused => {
            "check the credential, the role and the auth mount (HCP_VAULT_LOGIN_NAMESPACE too)"
        }
        Http::TokenInvalid => {
            "set HCP_VAULT_TOKEN, or the file that KM_TOKEN_FILE names, to a live token"
        }
        Http::Denied | Http::Forbidden => "a policy of the token has to allow this path",
        Http::NoMount => "check HCP_VAULT_MOUNT_NAME and HCP_VAULT_NAMESPACE",
        Http::NoNamespace => "check HCP_VAULT_NAMESPACE",
        _ => return None,
    })
}
