//! A value that was read, and where it came from.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use secret_cache::{Origin, Ref};

use crate::load::Value;
use crate::name::Name;

/// A secret's value, lent by the cache or read from the environment. `Debug` masks it.
pub struct Secret(Held);

enum Held {
    Vault(Ref<Name, Value>),
    Environment(SecretString),
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Vault, asked just now.
    Vault,
    /// Memory, within the refresh interval.
    Cache,
    /// Memory, past the refresh interval: Vault can't be asked.
    Stale,
    /// The process environment.
    Environment,
}

impl Source {
    /// Where a cache had it from.
    pub(crate) fn of<K, V>(lent: &Ref<K, V>) -> Self {
        match lent.origin() {
            _ if lent.is_stale() => Self::Stale,
            Origin::Loaded => Self::Vault,
            Origin::Memory => Self::Cache,
        }
    }
}

impl From<Ref<Name, Value>> for Secret {
    #[inline(always)]
    fn from(value: Ref<Name, Value>) -> Self {
        Self(Held::Vault(value))
    }
}

impl Secret {
    pub(crate) fn environment(value: SecretString) -> Self {
        Self(Held::Environment(value))
    }

    /// The value, byte for byte.
    #[inline]
    pub fn expose(&self) -> &str {
        match &self.0 {
            Held::Vault(lent) => lent.text.expose_secret(),
            Held::Environment(value) => value.expose_secret(),
        }
    }

    /// The value as a boolean: `true` or `false` in any case, with white space around it; `None`
    /// for anything else.
    pub fn as_bool(&self) -> Option<bool> {
        let text = self.expose().trim();
        let is = |word| text.eq_ignore_ascii_case(word);
        if is("true") { Some(true) } else { is("false").then_some(false) }
    }

    /// Where it came from.
    pub fn source(&self) -> Source {
        match &self.0 {
            Held::Environment(_) => Source::Environment,
            Held::Vault(lent) => Source::of(lent),
        }
    }

    /// The version that Vault counts; `None` for one from the environment.
    pub fn version(&self) -> Option<u64> {
        self.vault().map(|lent| lent.version().number())
    }

    /// When that version was written, RFC 3339.
    pub fn created(&self) -> Option<&str> {
        self.vault().map(|lent| lent.secret.metadata.created_time.as_str())
    }

    /// How long ago it was read from Vault.
    pub fn age(&self) -> Option<Duration> {
        self.vault().map(Ref::age)
    }

    fn vault(&self) -> Option<&Ref<Name, Value>> {
        match &self.0 {
            Held::Vault(lent) => Some(lent),
            Held::Environment(_) => None,
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
