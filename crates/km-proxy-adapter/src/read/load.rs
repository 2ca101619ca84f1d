//! The loader of the cache: one read of the KV engine per secret.
//!
//! Reads by name and reads by path share the entries, so a secret is loaded with all its fields
//! (`docs/adr/0014-one-cache.md`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use km_settings::Settings;
use secrecy::{ExposeSecret, SecretString};
use secret_cache::{Cache, Load, Loaded, Version};
use tokio::time::Instant;
use vault_auth::{Auth, TokenKind};
use vault_http::Deadline;
use vault_kv::{Kv, Lifetime, Secret, VersionMetadata};

use super::load_error::LoadFailure;
use crate::error::{Error, ErrorKind};
use crate::name::Name;
use crate::route::is_provider_key;

/// The value of a cache entry. The fields that a hit reads come first.
#[derive(Debug)]
pub(crate) struct CachedSecret {
    /// The value in the location's field; empty if that is missing or not a string.
    pub(crate) text: SecretString,
    /// Whether a gateway may read the value by its name, so that a hit needs no further check.
    pub(crate) is_provider_key: bool,
    /// The whole secret.
    pub(crate) secret: Arc<Secret>,
}

/// The maximum size of the cache in bytes, since callers may request many large secrets.
const MAX_BYTES: usize = 64 << 20;

/// How long a missing or denied name is remembered, and so how long a new secret or permission may go
/// unnoticed.
const NEGATIVE_TTL: Duration = Duration::from_secs(5);

/// Loads the secrets of the global location.
pub(crate) struct Loader {
    kv: Kv,
    auth: Auth,
    settings: Arc<Settings>,
    /// Whether the uses of the last token are not limited.
    has_unlimited_uses: AtomicBool,
}

/// Creates the cache of the secrets of the global location.
pub(crate) fn cache(
    kv: &Kv,
    auth: &Auth,
    settings: &Arc<Settings>,
) -> Result<Cache<Name, Loader>, Error> {
    let loader = Loader {
        kv: kv.clone(),
        auth: auth.clone(),
        settings: Arc::clone(settings),
        has_unlimited_uses: AtomicBool::new(true),
    };
    let cache = Cache::builder(loader)
        .name("secrets")
        .refresh_interval(settings.refresh_interval)
        .poll_interval(settings.poll_interval)
        .max_stale(settings.max_stale)
        .negative_ttl(NEGATIVE_TTL)
        .max_bytes(MAX_BYTES, weight)
        .build();
    cache.map_err(|error| Error::new(ErrorKind::Internal, "create the cache").with_source(error))
}

/// Returns the size of everything in an entry that can be large.
fn weight(_: &Name, value: &CachedSecret) -> usize {
    let Secret { fields, metadata, .. } = &*value.secret;
    let custom = metadata.custom_metadata.iter().map(|(key, text)| key.len() + text.len());
    value.text.expose_secret().len() + fields.bytes() + custom.sum::<usize>()
}

impl Load<Name> for Loader {
    type Value = CachedSecret;
    type Error = LoadFailure;

    /// The deadline starts with this call, so it includes the wait for a permit.
    fn load(
        &self,
        name: &Name,
    ) -> impl Future<Output = Result<Loaded<CachedSecret>, LoadFailure>> + Send {
        self.read(self.kv.with_deadline(self.deadline()), name)
    }

    fn refresh(
        &self,
        name: &Name,
    ) -> impl Future<Output = Result<Loaded<CachedSecret>, LoadFailure>> + Send {
        self.read(self.kv.without_retries().with_deadline(self.deadline()), name)
    }

    /// A poll takes one use of the token. Between two tokens, the next one is expected to be like
    /// the last.
    fn may_poll(&self) -> bool {
        match self.auth.status().kind {
            Some(kind) => {
                let is_unlimited = kind != TokenKind::Counted;
                self.has_unlimited_uses.store(is_unlimited, Relaxed);
                is_unlimited
            }
            None => self.has_unlimited_uses.load(Relaxed),
        }
    }
}

impl Loader {
    fn deadline(&self) -> Deadline {
        Deadline::after(self.settings.server.deadline)
    }

    async fn read(&self, kv: Kv, name: &Name) -> Result<Loaded<CachedSecret>, LoadFailure> {
        let started = Instant::now();
        let secret = kv.read(name.path()).await.map_err(LoadFailure)?;
        let text = secret.fields.text(&self.settings.location.field).ok().cloned();
        let is_provider_key = text.is_some() && is_provider_key(&self.settings, name.as_str());
        let version = version(&secret.metadata);
        let ttl = ttl(secret.lifetime, started);
        let (text, secret) = (text.unwrap_or_default(), Arc::new(secret));
        let value = CachedSecret { text, is_provider_key, secret };
        Ok(Loaded::versioned(value, version).expires_in(ttl))
    }
}

/// Returns how long a version may be cached, from the start of its load. A version whose end is
/// not known is not cached.
fn ttl(lifetime: Lifetime, started: Instant) -> Option<Duration> {
    match lifetime {
        Lifetime::Unlimited => None,
        Lifetime::Until(end) => Some(end.saturating_duration_since(started)),
        _ => Some(Duration::ZERO),
    }
}

/// Returns the version that the cache compares. It includes the creation time, because numbers
/// restart at 1 when the metadata is deleted or the mount is created anew.
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

#[cfg(test)]
mod tests {
    use super::*;
    use vault_kv::{Fields, SecretPath};

    #[test]
    fn weight_counts_text_fields_and_custom_metadata() {
        let metadata = serde_json::json!({
            "version": 1,
            "created_time": "2026-05-04T09:12:41Z",
            "custom_metadata": { "a": "note" },
        });
        let fields = Fields::new().with("key", "sk-1").with("user", "root");
        let secret = Secret::new(fields, serde_json::from_value(metadata).unwrap());
        let value =
            CachedSecret { text: "sk-1".into(), is_provider_key: true, secret: Arc::new(secret) };
        let name = Name::at(SecretPath::new("NAME").unwrap(), None).unwrap();
        assert_eq!(
            weight(&name, &value),
            "sk-1".len() + "keysk-1".len() + "userroot".len() + "anote".len()
        );
    }
}
