//! How the cache gets a secret: one read of the KV engine, whole, for whoever asks for it by its
//! name or by its path.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use km_settings::Settings;
use secrecy::{ExposeSecret, SecretString};
use secret_cache::{Cache, Load, LoadError, Loaded, Outcome, Version};
use vault_kv::{Kind, Kv, Secret, VersionMetadata};

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
    cache.map_err(|error| Error::new(error::Kind::Internal, "make the cache").with_source(error))
}

/// What was stored, and what its owner noted about it.
fn weigh(_: &Name, value: &Value) -> usize {
    let Secret { fields, metadata } = &*value.secret;
    let notes = metadata.custom_metadata.iter().map(|(key, note)| key.len() + note.len());
    value.text.expose_secret().len() + fields.bytes() + notes.sum::<usize>()
}

impl Load<Name> for Loader {
    type Value = Value;
    type Error = Failure;

    async fn load(&self, name: &Name) -> Result<Loaded<Value>, Failure> {
        self.read(&self.kv, name).await
    }

    async fn refresh(&self, name: &Name) -> Result<Loaded<Value>, Failure> {
        self.read(&self.kv.once(), name).await
    }
}

impl Loader {
    async fn read(&self, kv: &Kv, name: &Name) -> Result<Loaded<Value>, Failure> {
        let secret = kv.read(name.path()).await.map_err(Failure)?;
        let text = secret.fields.text(&self.settings.location.field).ok().cloned();
        let is_provider_key = text.is_some() && is_provider_key(&self.settings, name.as_str());
        let version = version(&secret.metadata);
        let (text, secret) = (text.unwrap_or_default(), Arc::new(secret));
        Ok(Loaded::versioned(Value { text, is_provider_key, secret }, version))
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
pub(crate) struct Failure(pub(crate) vault_kv::Error);

impl Failure {
    /// Whether Vault said for certain that nothing is stored under that name. A deleted version, a
    /// missing mount and a missing namespace are something else: somebody did that.
    pub(crate) fn is_definite_miss(&self) -> bool {
        self.0.kind() == Kind::NotFound
    }

    /// Whether there is no such mount or namespace.
    pub(crate) fn is_misplaced(&self) -> bool {
        use vault_http::Kind as Http;
        matches!(self.0.kind(), Kind::Exchange(Http::NoMount | Http::NoNamespace))
    }
}

impl LoadError for Failure {
    fn outcome(&self) -> Outcome {
        match self.0.kind() {
            _ if self.0.may_serve_stale() => Outcome::Unreachable,
            Kind::NotFound | Kind::Deleted | Kind::Destroyed => Outcome::Absent,
            _ => Outcome::Refused,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_kv::{Fields, SecretPath};

    #[test]
    fn all_that_can_be_large_has_weight() {
        let metadata = serde_json::json!({
            "version": 1, "created_time": "2026-05-04T09:12:41Z", "custom_metadata": { "a": "note" },
        });
        let secret = Secret {
            fields: Fields::new().with("key", "sk-1".into()).with("user", "root".into()),
            metadata: serde_json::from_value(metadata).unwrap(),
        };
        let value = Value { text: "sk-1".into(), is_provider_key: true, secret: Arc::new(secret) };
        let name = Name::of(SecretPath::new("NAME").unwrap(), None).unwrap();
        assert_eq!(
            weigh(&name, &value),
            "sk-1".len() + "keysk-1".len() + "userroot".len() + "anote".len()
        );
    }
}
