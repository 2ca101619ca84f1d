//! Whole secrets of the global location, by their paths in the mount: for who speaks Vault's own API.
//!
//! The latest versions come from the cache that names are read through.

use std::sync::Arc;
use std::time::Duration;

use vault_kv::{Fields, Secret, VersionMetadata};

use crate::read::secret::Source;

/// One version of a secret with all its fields. Cheap to clone; `Debug` masks the values.
#[derive(Debug, Clone)]
pub struct Document {
    pub(super) secret: Arc<Secret>,
    pub(super) source: Source,
    pub(super) age: Duration,
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
