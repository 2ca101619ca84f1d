//! A secret that was read, and its source.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use secret_cache::{Origin, Ref};
use tokio::time::Instant;
use vault_kv::{Lifetime, VersionMetadata};

use super::load::CachedSecret;
use crate::name::Name;

/// The value of a secret, borrowed from the cache or read from the environment. `Debug` masks it.
pub struct Secret(Repr);

enum Repr {
    Cached(Ref<Name, CachedSecret>),
    Environment(SecretString),
    /// Boxed, so that the value of a hit stays small.
    Field(Box<FieldValue>),
}

/// The value of a field in one version.
pub(super) struct FieldValue {
    pub(super) value: SecretString,
    pub(super) metadata: VersionMetadata,
    pub(super) source: Source,
    pub(super) age: Duration,
}

/// The source of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Vault, read for this request.
    Vault,
    /// The cache, within the refresh interval.
    Cache,
    /// The cache, past the refresh interval, because Vault can't be read.
    Stale,
    /// The process environment.
    Environment,
}

impl Source {
    /// Returns the name of the source, as one word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Cache => "cache",
            Self::Stale => "stale",
            Self::Environment => "environment",
        }
    }

    /// Returns the source of a value of the cache.
    pub(crate) fn of_cached<K, V>(value: &Ref<K, V>) -> Self {
        match value.origin() {
            _ if value.is_stale() => Self::Stale,
            Origin::Loaded => Self::Vault,
            _ => Self::Cache,
        }
    }
}

impl From<Ref<Name, CachedSecret>> for Secret {
    #[inline(always)]
    fn from(value: Ref<Name, CachedSecret>) -> Self {
        Self(Repr::Cached(value))
    }
}

impl From<FieldValue> for Secret {
    fn from(value: FieldValue) -> Self {
        Self(Repr::Field(Box::new(value)))
    }
}

impl Secret {
    pub(crate) fn from_environment(value: SecretString) -> Self {
        Self(Repr::Environment(value))
    }

    /// Returns the value, byte for byte.
    #[inline]
    pub fn expose(&self) -> &str {
        match &self.0 {
            Repr::Cached(value) => value.text.expose_secret(),
            Repr::Environment(value) => value.expose_secret(),
            Repr::Field(field) => field.value.expose_secret(),
        }
    }

    /// Returns the value as a boolean: `true` or `false` in any case, surrounded by any white
    /// space. `None` for anything else.
    pub fn as_bool(&self) -> Option<bool> {
        let text = self.expose().trim();
        let is = |word| text.eq_ignore_ascii_case(word);
        if is("true") { Some(true) } else { is("false").then_some(false) }
    }

    /// Returns the source of the value.
    pub fn source(&self) -> Source {
        match &self.0 {
            Repr::Environment(_) => Source::Environment,
            Repr::Cached(value) => Source::of_cached(value),
            Repr::Field(field) => field.source,
        }
    }

    /// Returns the version number, or `None` for a value of the environment.
    pub fn version(&self) -> Option<u64> {
        let of_field = || self.field().map(|field| field.metadata.version);
        self.cached().map(|value| value.version().number()).or_else(of_field)
    }

    /// Returns when the version was written, in RFC 3339, or `None` for a value of the environment.
    pub fn created(&self) -> Option<&str> {
        let of_field = || self.field().map(|field| &field.metadata);
        let metadata = self.cached().map(|value| &value.secret.metadata).or_else(of_field);
        metadata.map(|metadata| metadata.created_time.as_str())
    }

    /// Returns the time since the value was read from Vault, or `None` for a value of the
    /// environment.
    pub fn age(&self) -> Option<Duration> {
        self.cached().map(Ref::age).or_else(|| self.field().map(|field| field.age))
    }

    /// Returns the time since the version was written, by the server's clock; `None` if that is not
    /// known, or for a value of the environment.
    pub fn version_age(&self) -> Option<Duration> {
        let cached = self.cached()?;
        Some(cached.secret.age?.saturating_add(cached.age()))
    }

    /// Returns when the version will be deleted, in RFC 3339, and the time until then, if that is
    /// known. `None` if the version has no time of deletion.
    pub(crate) fn deletion(&self) -> Option<(&str, Option<Duration>)> {
        let secret = &self.cached()?.secret;
        let time = secret.metadata.deletion_time.as_deref()?;
        let remaining = match secret.lifetime {
            Lifetime::Until(end) => Some(end.saturating_duration_since(Instant::now())),
            Lifetime::Unlimited => Some(Duration::MAX),
            _ => None,
        };
        Some((time, remaining))
    }

    fn cached(&self) -> Option<&Ref<Name, CachedSecret>> {
        match &self.0 {
            Repr::Cached(value) => Some(value),
            Repr::Environment(_) | Repr::Field(_) => None,
        }
    }

    fn field(&self) -> Option<&FieldValue> {
        match &self.0 {
            Repr::Field(field) => Some(field),
            Repr::Cached(_) | Repr::Environment(_) => None,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Secret");
        debug.field("source", &self.source()).field("version", &self.version());
        debug.finish_non_exhaustive()
    }
}
