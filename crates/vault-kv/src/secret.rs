//! A version of a secret as it is read, and what is known about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use crate::fields::Fields;

/// One version of a secret.
#[derive(Debug, Clone)]
pub struct Secret {
    /// What is stored.
    pub fields: Fields,
    /// What is known about this version.
    pub metadata: VersionMetadata,
    /// How long this version may be used without asking the server again.
    pub lifetime: Lifetime,
}

/// How long a version that was read is known to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// The version has no time of deletion.
    Unlimited,
    /// The server deletes the version at about this time, not before.
    Until(Instant),
    /// The version has a time of deletion, and the server's clock is not known: don't keep it.
    Unknown,
}

/// What is known about one version of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct VersionMetadata {
    /// The version's number, from 1.
    pub version: u64,
    /// When it was written, RFC 3339.
    pub created_time: String,
    /// When it was, or will be, deleted, RFC 3339.
    #[serde(default, deserialize_with = "non_empty")]
    pub deletion_time: Option<String>,
    /// Whether its data is gone for good.
    #[serde(default)]
    pub destroyed: bool,
    /// The secret's custom metadata at the time of the answer.
    #[serde(default, deserialize_with = "or_default")]
    pub custom_metadata: BTreeMap<String, String>,
}

/// Metadata of a secret with all its versions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SecretMetadata {
    /// The latest version's number; 0: there is none yet.
    pub current_version: u64,
    /// The oldest version that is kept.
    pub oldest_version: u64,
    /// How many versions are kept; 0: as many as the mount says.
    pub max_versions: u64,
    /// Whether each write needs a check-and-set version.
    pub cas_required: bool,
    /// After how long a version is deleted, as a Go duration such as `3h25m19s`; `0s`: never.
    pub delete_version_after: String,
    /// When the secret was made, RFC 3339.
    pub created_time: String,
    /// When it was last changed, RFC 3339.
    pub updated_time: String,
    /// The custom metadata.
    #[serde(default, deserialize_with = "or_default")]
    pub custom_metadata: BTreeMap<String, String>,
    /// The versions that are kept, by number.
    pub versions: BTreeMap<u64, VersionState>,
}

/// What became of one version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct VersionState {
    /// When it was written, RFC 3339.
    pub created_time: String,
    /// When it was, or will be, deleted, RFC 3339.
    #[serde(deserialize_with = "non_empty")]
    pub deletion_time: Option<String>,
    /// Whether its data is gone for good.
    pub destroyed: bool,
}

/// Vault says "none" with an empty string.
fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

/// Vault says "none" with `null`.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
