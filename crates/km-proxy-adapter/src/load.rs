//! How the cache gets a value: one read of the KV engine, one field of it.

use std::fmt;
use std::time::SystemTime;

use secrecy::SecretString;
use secret_cache::{Load, LoadError, Loaded, Outcome, Version};
use vault_kv::{FieldError, Kind, Kv, SecretPath, VersionMetadata};

/// A value as it is cached.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) text: SecretString,
    pub(crate) created: String,
}

/// Reads one field of the secrets of one mount.
pub(crate) struct Loader {
    pub(crate) kv: Kv,
    pub(crate) field: String,
}

impl Load<SecretPath> for Loader {
    type Value = Value;
    type Error = Failure;

    async fn load(&self, path: &SecretPath) -> Result<Loaded<Value>, Failure> {
        let secret = self.kv.read(path).await.map_err(Failure::Kv)?;
        let text = secret.fields.into_text(&self.field).map_err(Failure::Field)?;
        let version = version(&secret.metadata);
        let value = Value { text, created: secret.metadata.created_time };
        Ok(Loaded::versioned(value, version))
    }
}

/// The version as the cache compares it: where metadata was deleted or the mount made again,
/// numbers restart at 1, and the time of creation tells that it is newer.
pub(crate) fn version(metadata: &VersionMetadata) -> Version {
    let version = Version::new(metadata.version);
    match created(metadata) {
        Some(created) => version.created(created),
        None => version,
    }
}

fn created(metadata: &VersionMetadata) -> Option<SystemTime> {
    humantime::parse_rfc3339(&metadata.created_time).ok()
}

/// Why there is no value.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    Kv(vault_kv::Error),
    Field(FieldError),
}

impl Failure {
    /// Whether Vault said for certain that nothing is stored under that name. A deleted version, a
    /// missing mount and a missing namespace are something else: somebody did that.
    pub(crate) fn is_definite_miss(&self) -> bool {
        matches!(self, Self::Kv(error) if error.kind() == Kind::NotFound)
    }

    /// Whether there is no such mount or namespace.
    pub(crate) fn is_misplaced(&self) -> bool {
        use vault_http::Kind as Http;
        let misplaced = |kind| matches!(kind, Kind::Exchange(Http::NoMount | Http::NoNamespace));
        matches!(self, Self::Kv(error) if misplaced(error.kind()))
    }
}

impl LoadError for Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Field(_) => Outcome::Refused,
            Self::Kv(error) if error.may_serve_stale() => Outcome::Unreachable,
            Self::Kv(error) => match error.kind() {
                Kind::NotFound | Kind::Deleted | Kind::Destroyed => Outcome::Absent,
                _ => Outcome::Refused,
            },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kv(error) => error.fmt(f),
            Self::Field(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Kv(error) => error.source(),
            Self::Field(error) => error.source(),
        }
    }
}
