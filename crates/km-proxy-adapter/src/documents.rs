//! Whole secrets of the global location, by their paths in the mount: for who speaks Vault's own API.
//!
//! The latest versions come from a cache of their own, since the cache of names holds one field.

mod entry;

use std::sync::Arc;
use std::time::Duration;

use km_settings::Settings;
use secret_cache::{Cache, Load, Loaded};
use vault_kv::{Fields, Kv, Secret, SecretPath, VersionMetadata};

pub use entry::Entry;

use crate::error::{Error, Kind};
use crate::load::{self, Failure};
use crate::secret::Source;

/// Reads whole secrets.
pub(crate) struct Loader(Kv);

impl Load<SecretPath> for Loader {
    type Value = Arc<Secret>;
    type Error = Failure;

    async fn load(&self, path: &SecretPath) -> Result<Loaded<Arc<Secret>>, Failure> {
        let secret = self.0.read(path).await.map_err(Failure::Kv)?;
        let version = load::version(&secret.metadata);
        Ok(Loaded::versioned(Arc::new(secret), version))
    }
}

/// The cache of an engine's secrets.
pub(crate) fn cache(kv: &Kv, settings: &Settings) -> Result<Cache<SecretPath, Loader>, Error> {
    let cache = Cache::builder(Loader(kv.clone()))
        .refresh_interval(settings.refresh_interval)
        .max_stale(settings.max_stale)
        .build();
    cache.map_err(|error| Error::new(Kind::Internal, "make the cache").with_source(error))
}

/// One version of a secret with all its fields. Cheap to clone; `Debug` masks the values.
#[derive(Debug, Clone)]
pub struct Document {
    secret: Arc<Secret>,
    source: Source,
    age: Duration,
}

impl Document {
    /// What is stored.
    pub fn fields(&self) -> &Fields {
        &self.secret.fields
    }

    /// What is known about this version.
    pub fn metadata(&self) -> &VersionMetadata {
        &self.secret.metadata
    }

    /// Where it came from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// How long ago it was read from Vault.
    pub fn age(&self) -> Duration {
        self.age
    }
}
