//! How the cache gets a secret: one read of the KV engine, whole, for whoever asks for it by its
//! name or by its path.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use km_settings::Settings;
use secrecy::{ExposeSecret, SecretString};
use secret_cache::{Cache, Load, LoadError, LoadErrorKind, Loaded, Version};
use tokio::time::Instant;
use vault_http::Deadline;
use vault_kv::{ErrorKind, Kv, Lifetime, Secret, VersionMetadata};

use crate::error::{self, Error};
use crate::name::Name;
use crate::route::is_provider_key;

/// A secret as it is cached. What a hit has to look at is kept close together.
#[derive(Debug)]
pub(crate) struct Value {
    /// What stands in the location's field; empty where that can't be used.
    pub(crate) text: SecretString,
    /// Whether it is a provider key that a gateway may have, so that a hit has nothing else to ask.
    pub(crate) is_provider_key: bool,
    /// All of it.
    pub(crate) secret: Arc<Secret>,
}

/// The most that the secrets in memory may come to: whoever may ask may name large ones.
const MAX_BYTES: usize = 64 << 20;

/// Reads the secrets of the global location.
pub(crate) struct Loader {
    kv: Kv,
    settings: Arc<Settings>,
}

/// The cache of a location's secrets.
pub(crate) fn cache(kv: &Kv, settings: &Arc<Settings>) -> Result<Cache<Name, Loader>, Error> {
    let loader = Loader { kv: kv.clone(), settings: Arc::clone(settings) };
    let cache = Cache::builder(loader)
        .name("secrets")
        .refresh_interval(settings.refresh_interval)
        .max_stale(settings.max_stale)
        .max_bytes(MAX_BYTES, weigh)
        .build();
    cache.map_err(|error| {
        Error::new(error::ErrorKind::Internal, "make the cache").with_source(error)
    })
}

/// What was stored, and what its owner noted about it.
fn weigh(_: &Name, value: &Value) -> usize {
    let Secret { fields, metadata, lifetime: _ } = &*value.secret;
    let notes = metadata.custom_metadata.iter().map(|(key, note)| key.len() + note.len());
    value.text.expose_secret().len() + fields.bytes() + notes.sum::<usize>()
}

impl Load<Name> for Loader {
    type Value = Value;
    type Error = LoadFailure;

    /// The deadline counts from this call, so that it covers the wait for a permit.
    fn load(&self, name: &Name) -> impl Future<Output = Result<Loaded<Value>, LoadFailure>> + Send {
        self.read(self.kv.with_deadline(self.deadline()), name)
    }

    fn refresh(
        &self,
        name: &Name,
    ) -> impl Future<Output = Result<Loaded<Value>, LoadFailure>> + Send {
        self.read(self.kv.without_retries().with_deadline(self.deadline()), name)
    }
}

impl Loader {
    fn deadline(&self) -> Deadline {
        Deadline::after(self.settings.server.deadline)
    }

    async fn read(&self, kv: Kv, name: &Name) -> Result<Loaded<Value>, LoadFailure> {
        let started = Instant::now();
        let secret = kv.read(name.path()).await.map_err(LoadFailure)?;
        let text = secret.fields.text(&self.settings.location.field).ok().cloned();
        let is_provider_key = text.is_some() && is_provider_key(&self.settings, name.as_str());
        let version = version(&secret.metadata);
        let lifetime = lifetime(secret.lifetime, started);
        let (text, secret) = (text.unwrap_or_default(), Arc::new(secret));
        let loaded = Loaded::versioned(Value { text, is_provider_key, secret }, version);
        Ok(match lifetime {
            Some(lifetime) => loaded.expires_in(lifetime),
            None => loaded,
        })
    }
}

/// How long a version may be kept, from the start of its load.
fn lifetime(lifetime: Lifetime, started: Instant) -> Option<Duration> {
    match lifetime {
        Lifetime::Unlimited => None,
        Lifetime::Until(end) => Some(end.saturating_duration_since(started)),
        Lifetime::Unknown => Some(Duration::ZERO),
    }
}

/// The version as the cache compares it: where metadata was deleted or the mount made again,
/// numbers restart at 1, and the time of creation tells that it is newer.
fn version(metadata: &VersionMetadata) -> Version {
    let version = Version::new(metadata.version);
    match created(metadata) {
        Some(created) => version.created(created),
        None => version,
    }
}

fn created(metadata: &VersionMetadata) -> Option<SystemTime> {
    humantime::parse_rfc3339(&metadata.created_time).ok()
}

/// Why there is no secret.
#[derive(Debug, Clone)]
pub(crate) struct LoadFailure(pub(crate) vault_kv::Error);

impl LoadFailure {
    /// Whether Vault said for certain that nothing is stored under that name. A deleted version, a
    /// missing mount and a missing namespace are something else: somebody did that.
    pub(crate) fn is_definite_miss(&self) -> bool {
        self.0.kind() == ErrorKind::NotFound
    }

    /// Whether there is no such mount or namespace.
    pub(crate) fn is_misplaced(&self) -> bool {
        use vault_http::ErrorKind as Http;
        matches!(self.0.kind(), ErrorKind::Exchange(Http::NoMount | Http::NoNamespace))
    }
}

impl LoadError for LoadFailure {
    fn kind(&self) -> LoadErrorKind {
        outcome(self.0.kind(), self.0.may_serve_stale())
    }
}

/// What a failed read means for the value in memory. A failed login says nothing about a name; a locked
/// namespace, a missing mount and a missing namespace end serving, because somebody decided so.
fn outcome(kind: ErrorKind, may_serve_stale: bool) -> LoadErrorKind {
    use vault_http::ErrorKind as Http;
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
    use vault_http::ErrorKind as Http;
    use vault_kv::{Fields, SecretPath};

    /// Which failures of a read keep an old value, and which end it.
    #[test]
    fn failures_have_their_outcome() {
        let check = |kinds: &[Http], expected| {
            for kind in kinds {
                assert_eq!(
                    outcome(ErrorKind::Exchange(*kind), kind.semantics().may_serve_stale),
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
                Http::NoLeader,
                Http::RateLimited,
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
            assert_eq!(outcome(kind, false), LoadErrorKind::NotFound, "{kind:?}");
        }
    }

    #[test]
    fn all_that_can_be_large_has_weight() {
        let metadata = serde_json::json!({
            "version": 1, "created_time": "2026-05-04T09:12:41Z", "custom_metadata": { "a": "note" },
        });
        let secret = Secret {
            fields: Fields::new().with("key", "sk-1".into()).with("user", "root".into()),
            metadata: serde_json::from_value(metadata).unwrap(),
            lifetime: Lifetime::Unlimited,
        };
        let value = Value { text: "sk-1".into(), is_provider_key: true, secret: Arc::new(secret) };
        let name = Name::of(SecretPath::new("NAME").unwrap(), None).unwrap();
        assert_eq!(
            weigh(&name, &value),
            "sk-1".len() + "keysk-1".len() + "userroot".len() + "anote".len()
        );
    }
}
