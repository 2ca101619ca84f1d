//! The state of a stored secret, for operations that depend on it.

use vault_kv::{ErrorKind, Kv, Secret, SecretPath};

/// The latest version at a path.
pub(crate) enum StoredState {
    /// No version was ever written.
    Never,
    /// The version with this number is deleted or destroyed.
    Gone(u64),
    /// The version can be read.
    Live(Secret),
}

/// Reads the state of the secret at `path`, in one request.
pub(crate) async fn state(kv: &Kv, path: &SecretPath) -> Result<StoredState, vault_kv::Error> {
    match kv.read(path).await {
        Ok(secret) => Ok(StoredState::Live(secret)),
        Err(error) => match (error.kind(), error.version()) {
            (ErrorKind::NotFound, _) => Ok(StoredState::Never),
            (ErrorKind::Deleted | ErrorKind::Destroyed, Some(version)) => {
                Ok(StoredState::Gone(version))
            }
            _ => Err(error),
        },
    }
}

/// Deletes the latest version at `path`, which must be live.
///
/// The secret is read first, because Vault reports success for a deletion of nothing. If a policy
/// denies the read, the deletion is sent nevertheless.
pub(crate) async fn delete(kv: &Kv, path: &SecretPath) -> Result<(), vault_kv::Error> {
    match kv.read(path).await {
        Err(error) if !is_denied(&error) => Err(error),
        _ => kv.delete_latest(path).await,
    }
}

/// Returns whether a policy denied the request.
pub(crate) fn is_denied(error: &vault_kv::Error) -> bool {
    error.kind() == ErrorKind::Exchange(vault_http::ErrorKind::Denied)
}
