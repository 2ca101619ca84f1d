//! The versions of a secret, and changes of them.
//!
//! A change reads the metadata first, because Vault reports success for versions that do not exist.
//! It leaves the permissions and the location to its callers.

use std::fmt;

use vault_http::ApiPath;
use vault_kv::{Attribution, Kv, SecretMetadata, SecretPath};

use crate::error::{Error, ErrorKind};
use crate::listing::{NameState, time_of, version_state};

/// The versions of a secret that are kept, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct History {
    /// The number of the latest version. 0 is a secret without any version.
    pub current_version: u64,
    /// The versions.
    pub versions: Vec<HistoryEntry>,
}

/// One version in the [`History`] of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The number of the version.
    pub version: u64,
    /// Whether it can be read.
    pub state: NameState,
    /// When it was written, in RFC 3339.
    pub created: String,
    /// Who wrote it, if the server reports that.
    pub created_by: Option<Attribution>,
    /// When it was or will be deleted, in RFC 3339.
    pub deletion_time: Option<String>,
    /// Who deleted it, if the server reports that.
    pub deleted_by: Option<Attribution>,
}

/// The versions that were undeleted or destroyed. Empty if there was nothing to undelete.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionChange {
    /// The path of the secret's data, below `/v1/`.
    pub path: ApiPath,
    /// The numbers of the versions.
    pub versions: Vec<u64>,
}

/// The hint of an error about a version that does not exist.
pub(crate) const NO_VERSION_HINT: &str =
    "choose a version that `km history` or `km key history` lists";

/// The error of an operation on versions.
pub(crate) enum VersionError {
    /// A request failed.
    Kv(vault_kv::Error),
    /// The secret has no such version, or no longer keeps it.
    Unknown(u64),
    /// The version is destroyed.
    Destroyed(u64),
}

impl History {
    fn new(metadata: &SecretMetadata) -> Self {
        let now = time_of(metadata);
        let newest_first = metadata.versions.iter().rev();
        let versions = newest_first.map(|(version, state)| HistoryEntry {
            version: *version,
            state: version_state(state, now),
            created: state.created_time.clone(),
            created_by: state.created_by.clone(),
            deletion_time: state.deletion_time.clone(),
            deleted_by: state.deleted_by.clone(),
        });
        Self { current_version: metadata.current_version, versions: versions.collect() }
    }

    fn state(&self, version: u64) -> Result<NameState, VersionError> {
        let entry = self.versions.iter().find(|entry| entry.version == version);
        entry.map(|entry| entry.state).ok_or(VersionError::Unknown(version))
    }

    /// Returns the version to undelete: `version`, or the newest deleted one. `None` if it is not
    /// deleted.
    fn deleted(&self, version: Option<u64>) -> Result<Option<u64>, VersionError> {
        let Some(version) = version else {
            let deleted = self.versions.iter().find(|entry| entry.state == NameState::Deleted);
            return Ok(deleted.map(|entry| entry.version));
        };
        match self.state(version)? {
            NameState::Destroyed => Err(VersionError::Destroyed(version)),
            NameState::Deleted => Ok(Some(version)),
            NameState::Live | NameState::Unknown => Ok(None),
        }
    }
}

/// Reads the versions of the secret at `path`.
pub(crate) async fn read(kv: &Kv, path: &SecretPath) -> Result<History, vault_kv::Error> {
    Ok(History::new(&kv.metadata(path).await?))
}

/// Undeletes a version, or the newest deleted one. Sends nothing but the read if it is not deleted.
pub(crate) async fn undelete(
    kv: &Kv,
    path: &SecretPath,
    version: Option<u64>,
) -> Result<VersionChange, VersionError> {
    let versions = Vec::from_iter(read(kv, path).await?.deleted(version)?);
    if !versions.is_empty() {
        kv.undelete(path, &versions).await?;
    }
    Ok(VersionChange { path: kv.mount().data(path), versions })
}

/// Destroys the data of all these versions permanently, unless one does not exist.
pub(crate) async fn destroy(
    kv: &Kv,
    path: &SecretPath,
    versions: &[u64],
) -> Result<VersionChange, VersionError> {
    let history = read(kv, path).await?;
    for version in versions {
        history.state(*version)?;
    }
    kv.destroy(path, versions).await?;
    Ok(VersionChange { path: kv.mount().data(path), versions: versions.to_vec() })
}

impl From<vault_kv::Error> for VersionError {
    fn from(error: vault_kv::Error) -> Self {
        Self::Kv(error)
    }
}

impl VersionError {
    /// Returns the error of an operation; `convert` converts that of a request.
    pub(crate) fn into_error(
        self,
        operation: &str,
        convert: impl FnOnce(vault_kv::Error) -> Error,
    ) -> Error {
        let failed = |why: fmt::Arguments<'_>, hint| {
            let what = format!("{operation}: {why}");
            Error::new(ErrorKind::NotFound, what).with_hint(hint)
        };
        match self {
            Self::Kv(error) => convert(error),
            Self::Unknown(version) => failed(
                format_args!("version {version} does not exist or is no longer kept"),
                NO_VERSION_HINT,
            ),
            Self::Destroyed(version) => failed(
                format_args!("version {version} is destroyed, which cannot be undone"),
                "write a new version",
            ),
        }
    }
}
