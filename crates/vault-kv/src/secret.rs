//! A version of a secret, and the metadata of versions and secrets, as Vault sends them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use crate::fields::{Fields, ParseError};

/// One version of a secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Secret {
    /// The stored fields.
    pub fields: Fields,
    /// The metadata of the version.
    pub metadata: VersionMetadata,
    /// How long the version may be used without reading it again.
    pub lifetime: Lifetime,
    /// The time since the version was written, at the time of the response; `None` if the response
    /// does not show the server's time.
    pub age: Option<Duration>,
}

impl Secret {
    /// Creates a version without a time of deletion and of unknown age, for tests of programs that
    /// read secrets.
    ///
    /// ```
    /// use vault_kv::{Fields, Secret, VersionMetadata};
    ///
    /// let metadata = VersionMetadata::new(3, "2026-01-01T00:00:00Z");
    /// let secret = Secret::new(Fields::new().with("key", "sk-1"), metadata);
    /// assert_eq!(secret.metadata.version, 3);
    /// ```
    pub fn new(fields: Fields, metadata: VersionMetadata) -> Self {
        Self { fields, metadata, lifetime: Lifetime::Unlimited, age: None }
    }

    /// Converts the fields, like [`Fields::parse`].
    ///
    /// # Errors
    /// [`ParseError`] names the field that is missing or does not fit, and never contains a value.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ParseError> {
        self.fields.parse()
    }
}

/// How long a version is known to exist after it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// The version has no time of deletion.
    Unlimited,
    /// The server deletes the version at this time or shortly after it.
    Until(Instant),
    /// The version has a time of deletion, but the response does not show the server's time. Do not
    /// keep the version.
    Unknown,
}

/// The metadata of one version of a secret, as it comes with a read or a write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct VersionMetadata {
    /// The number of the version, starting at 1.
    pub version: u64,
    /// When the version was written, in RFC 3339.
    pub created_time: String,
    /// When the version was or will be deleted, in RFC 3339.
    #[serde(default, deserialize_with = "non_empty")]
    pub deletion_time: Option<String>,
    /// Whether the data of the version is destroyed permanently.
    #[serde(default)]
    pub destroyed: bool,
    /// The custom metadata of the secret at the time of the response.
    #[serde(default, deserialize_with = "or_default")]
    pub custom_metadata: BTreeMap<String, String>,
}

impl VersionMetadata {
    /// Creates the metadata of a version that exists, written at `created_time` in RFC 3339.
    pub fn new(version: u64, created_time: impl Into<String>) -> Self {
        Self {
            version,
            created_time: created_time.into(),
            deletion_time: None,
            destroyed: false,
            custom_metadata: BTreeMap::new(),
        }
    }
}

/// The metadata of a secret and all its versions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SecretMetadata {
    /// The number of the latest version. 0 is a secret without any version.
    pub current_version: u64,
    /// The number of the oldest version that is kept.
    pub oldest_version: u64,
    /// The number of versions to keep. 0 is the setting of the mount.
    pub max_versions: u64,
    /// Whether each write requires a check-and-set version.
    pub cas_required: bool,
    /// The version of the metadata, which OpenBao counts and Vault does not.
    #[serde(default)]
    pub current_metadata_version: Option<u64>,
    /// Whether each update of the metadata requires a check-and-set version. Only on OpenBao.
    #[serde(default)]
    pub metadata_cas_required: Option<bool>,
    /// The age at which a version is deleted, as a Go duration such as `3h25m19s`. `0s` is never.
    pub delete_version_after: String,
    /// When the secret was created, in RFC 3339.
    pub created_time: String,
    /// When the secret was last changed, in RFC 3339.
    pub updated_time: String,
    /// The custom metadata of the secret.
    #[serde(default, deserialize_with = "or_default")]
    pub custom_metadata: BTreeMap<String, String>,
    /// The versions that are kept, by number.
    pub versions: BTreeMap<u64, VersionState>,
    /// The server's time when it responded, in whole seconds. `None` if the response has no `Date`
    /// header.
    #[serde(skip)]
    pub server_time: Option<SystemTime>,
}

impl SecretMetadata {
    /// Creates the metadata of a secret that was written once, at `created_time` in RFC 3339. Set
    /// the members that differ.
    pub fn new(created_time: impl Into<String>) -> Self {
        let created_time = created_time.into();
        Self {
            current_version: 1,
            oldest_version: 0,
            max_versions: 0,
            cas_required: false,
            current_metadata_version: None,
            metadata_cas_required: None,
            delete_version_after: "0s".to_owned(),
            updated_time: created_time.clone(),
            custom_metadata: BTreeMap::new(),
            versions: BTreeMap::from([(1, VersionState::new(created_time.clone()))]),
            created_time,
            server_time: None,
        }
    }
}

/// The state of one version in the metadata of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct VersionState {
    /// When the version was written, in RFC 3339.
    pub created_time: String,
    /// When the version was or will be deleted, in RFC 3339.
    #[serde(deserialize_with = "non_empty")]
    pub deletion_time: Option<String>,
    /// Whether the data of the version is destroyed permanently.
    pub destroyed: bool,
    /// Who wrote the version. Vault reports it since 1.21, OpenBao does not.
    #[serde(default, deserialize_with = "known_or_none")]
    pub created_by: Option<Attribution>,
    /// Who deleted the version. Vault reports it since 1.21, OpenBao does not.
    #[serde(default, deserialize_with = "known_or_none")]
    pub deleted_by: Option<Attribution>,
}

impl VersionState {
    /// Creates the state of a version that exists, written at `created_time` in RFC 3339.
    pub fn new(created_time: impl Into<String>) -> Self {
        Self {
            created_time: created_time.into(),
            deletion_time: None,
            destroyed: false,
            created_by: None,
            deleted_by: None,
        }
    }
}

/// The login by which a version was changed, as far as the server reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Attribution {
    /// The display name of the token, such as `approle` or `userpass-alice`.
    pub actor: String,
    /// The ID of the identity entity of the token. A token without a login has none.
    #[serde(default)]
    pub entity_id: Option<String>,
}

impl Attribution {
    /// Creates the attribution of a token with this display name.
    pub fn new(actor: impl Into<String>) -> Self {
        Self { actor: actor.into(), entity_id: None }
    }
}

/// Deserializes an attribution of another form as `None`, because the rest of the metadata is usable
/// without it.
fn known_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Attribution>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Known {
        Attribution(Attribution),
        Other(IgnoredAny),
    }
    Ok(match Known::deserialize(deserializer)? {
        Known::Attribution(attribution) => Some(attribution),
        Known::Other(_) => None,
    })
}

/// Deserializes an empty string, which Vault sends for a time that is not set, as `None`.
fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

/// Deserializes `null`, which Vault sends for an empty map, as the default.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
