//! A version of a secret with all its fields.

use std::sync::Arc;
use std::time::Duration;

use vault_kv::{Fields, Secret, VersionMetadata};

use crate::read::secret::Source;

/// One version of a secret with all its fields. Cheap to clone; `Debug` masks the values.
#[derive(Debug, Clone)]
pub struct Document {
    secret: Arc<Secret>,
    source: Source,
    age: Duration,
}

impl Document {
    pub(super) fn new(secret: Arc<Secret>, source: Source, age: Duration) -> Self {
        Self { secret, source, age }
    }

    /// Returns the fields.
    pub fn fields(&self) -> &Fields {
        &self.secret.fields
    }

    /// Returns the metadata of the version.
    pub fn metadata(&self) -> &VersionMetadata {
        &self.secret.metadata
    }

    /// Returns the source of the version.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns the time since the version was read from Vault.
    pub fn age(&self) -> Duration {
        self.age
    }
}
