//! The status of a [`KeyManager`], for operators: what it holds and why, without values and
//! credentials.

mod cause;
pub(crate) mod health;
pub(crate) mod secrets;

use std::time::Duration;

use self::cause::cause;
use self::secrets::SecretStatus;
use crate::inner::Inner;
use crate::key_manager::KeyManager;

/// The status of a [`KeyManager`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Status {
    /// The server.
    pub vault: VaultStatus,
    /// The login.
    pub login: LoginStatus,
    /// The cache.
    pub cache: CacheStatus,
    /// The provider secrets that the cache knows, sorted by name.
    pub secrets: Vec<SecretStatus>,
    /// The virtual keys that the cache knows, sorted by name. Their names are those of teams and
    /// users.
    pub virtual_keys: Vec<SecretStatus>,
}

/// What the last requests have shown about the server.
#[derive(Debug)]
#[non_exhaustive]
pub struct VaultStatus {
    /// The address.
    pub address: String,
    /// Whether the server responds.
    pub reachable: bool,
    /// The time since `reachable` has its value.
    pub since: Option<Duration>,
    /// Whether the server is sealed or not initialized; `None` if that is not known.
    pub sealed: Option<bool>,
    /// The version that the server reported.
    pub version: Option<String>,
    /// Why the server can't serve requests. It names no secret.
    pub error: Option<String>,
}

/// The state of the login.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoginStatus {
    /// The method, as in `KM_AUTH_METHOD`.
    pub method: &'static str,
    /// The name of the [state](vault_auth::State).
    pub state: &'static str,
    /// The time for which the token may still be used; `None` if there is no token or its expiry is
    /// not known.
    pub ttl: Option<Duration>,
    /// The generation of the token, which each login increments.
    pub generation: u64,
    /// Why the last login failed, unless one has succeeded since.
    pub error: Option<String>,
}

/// The size and the use of the cache.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CacheStatus {
    /// The number of names that are remembered, with a value or with an error.
    pub entries: usize,
    /// The size of the values.
    pub bytes: usize,
    /// The number of reads that were served from memory.
    pub hits: u64,
    /// The number of reads that were not.
    pub misses: u64,
}

impl KeyManager {
    /// Returns the status, without values and credentials.
    ///
    /// The server is asked for its health if no request was sent in the last second. This takes a
    /// second at most, also while the server does not respond. Nothing else is sent.
    pub async fn status(&self) -> Status {
        let inner = self.inner();
        let vault = vault(inner).await;
        let cache = inner.cache.status();
        let (entries, bytes) = (cache.entries, cache.bytes);
        let (hits, misses) = (cache.hits, cache.misses);
        let (secrets, virtual_keys) = secrets::statuses(inner, cache.keys);
        let cache = CacheStatus { entries, bytes, hits, misses };
        Status { vault, login: login(inner), cache, secrets, virtual_keys }
    }
}

async fn vault(inner: &Inner) -> VaultStatus {
    let client = &inner.connection.client;
    let status = inner.health.status(client, inner.settings.server.deadline).await;
    VaultStatus {
        address: client.address().to_string(),
        reachable: status.reachable.unwrap_or(false),
        since: status.since,
        sealed: status.sealed,
        version: status.version,
        error: status.error.as_ref().map(cause),
    }
}

fn login(inner: &Inner) -> LoginStatus {
    let status = inner.connection.auth.status();
    LoginStatus {
        method: inner.settings.login.method.name(),
        state: status.state.name(),
        ttl: status.expires_in,
        generation: status.generation.number(),
        error: status.error.as_ref().map(cause),
    }
}
