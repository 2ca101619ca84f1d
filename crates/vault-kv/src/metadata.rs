//! Operations on the metadata of a secret: its versions, their limits and custom metadata.

use std::collections::BTreeMap;

use serde::Serialize;
use vault_http::Request;

use crate::error::{Error, ErrorKind};
use crate::kv::Kv;
use crate::path::SecretPath;
use crate::secret::SecretMetadata;

/// A change of a secret's metadata. A field that is `None` is left as it is.
///
/// ```
/// use vault_kv::MetadataUpdate;
///
/// let update = MetadataUpdate::new().with_max_versions(5).with_cas_required(true);
/// assert_eq!(update.max_versions, Some(5));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MetadataUpdate {
    /// The number of versions to keep. 0 is the setting of the mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_versions: Option<u64>,
    /// Whether each write requires a check-and-set version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cas_required: Option<bool>,
    /// The age at which a version is deleted, as a Go duration such as `3h25m19s`. `0s` is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_version_after: Option<String>,
    /// Custom metadata. A token may read it without being allowed to read the secret, so store no
    /// secrets in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_metadata: Option<BTreeMap<String, String>>,
    /// The check-and-set version of the metadata: update only if
    /// [`current_metadata_version`](SecretMetadata::current_metadata_version) equals it. OpenBao
    /// compares it; Vault ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_cas: Option<u64>,
}

impl MetadataUpdate {
    /// Creates a change of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`max_versions`](Self::max_versions).
    #[must_use]
    pub fn with_max_versions(self, max_versions: u64) -> Self {
        Self { max_versions: Some(max_versions), ..self }
    }

    /// Sets [`cas_required`](Self::cas_required).
    #[must_use]
    pub fn with_cas_required(self, cas_required: bool) -> Self {
        Self { cas_required: Some(cas_required), ..self }
    }

    /// Sets [`delete_version_after`](Self::delete_version_after).
    #[must_use]
    pub fn with_delete_version_after(self, age: impl Into<String>) -> Self {
        Self { delete_version_after: Some(age.into()), ..self }
    }

    /// Sets [`custom_metadata`](Self::custom_metadata).
    #[must_use]
    pub fn with_custom_metadata(self, custom_metadata: BTreeMap<String, String>) -> Self {
        Self { custom_metadata: Some(custom_metadata), ..self }
    }

    /// Sets [`metadata_cas`](Self::metadata_cas).
    #[must_use]
    pub fn with_metadata_cas(self, version: u64) -> Self {
        Self { metadata_cas: Some(version), ..self }
    }
}

/// A merge patch of custom metadata, in which `null` removes a key.
#[derive(Serialize)]
struct CustomMetadataPatch<'a> {
    custom_metadata: &'a BTreeMap<&'a str, Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_cas: Option<u64>,
}

impl Kv {
    /// Returns the metadata of the secret at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such secret, [`ErrorKind::WrongKvVersion`] if the
    /// mount is known not to be KV version 2, or [`ErrorKind::Exchange`] if the request fails.
    pub async fn metadata(&self, path: &SecretPath) -> Result<SecretMetadata, Error> {
        let deadline = self.deadline();
        let response = match self.send(Request::get(self.mount.metadata(path)), deadline).await {
            Err(miss) if miss.kind() == ErrorKind::NotFound => {
                self.check_miss(deadline).await?;
                return Err(miss);
            }
            response => response?,
        };
        response.expect_status(&[200]).map_err(Error::read)?;
        let metadata: SecretMetadata = response.data().map_err(Error::read)?;
        Ok(SecretMetadata { server_time: response.date(), ..metadata })
    }

    /// Sets metadata of a secret, which need not exist yet. Custom metadata is replaced as a whole.
    ///
    /// # Errors
    /// Like [`Kv::delete_latest`], and [`ErrorKind::CasMismatch`] or [`ErrorKind::CasRequired`] if
    /// the server compares versions of metadata.
    pub async fn put_metadata(
        &self,
        path: &SecretPath,
        update: &MetadataUpdate,
    ) -> Result<(), Error> {
        let request = Request::post(self.mount.metadata(path), update).map_err(Error::write)?;
        self.send_change_without_data(request).await
    }

    /// Sets metadata of an existing secret. Custom metadata is merged key by key.
    ///
    /// # Errors
    /// Like [`Kv::delete_latest`], and [`ErrorKind::NotFound`] if there is no such secret.
    pub async fn patch_metadata(
        &self,
        path: &SecretPath,
        update: &MetadataUpdate,
    ) -> Result<(), Error> {
        let request = Request::patch(self.mount.metadata(path), update).map_err(Error::write)?;
        self.send_change_without_data(request).await
    }

    /// Changes custom metadata of an existing secret: a key with a value is set, one with `None` is
    /// removed. All other keys stay as they are, even if another writer changes them
    /// in the meantime.
    ///
    /// `metadata_cas` is as in [`MetadataUpdate`].
    ///
    /// # Errors
    /// Like [`Kv::patch_metadata`], and [`ErrorKind::CasMismatch`] or [`ErrorKind::CasRequired`] if
    /// the server compares versions of metadata.
    pub async fn patch_custom_metadata(
        &self,
        path: &SecretPath,
        changes: &BTreeMap<&str, Option<&str>>,
        metadata_cas: Option<u64>,
    ) -> Result<(), Error> {
        let body = CustomMetadataPatch { custom_metadata: changes, metadata_cas };
        let request = Request::patch(self.mount.metadata(path), &body).map_err(Error::write)?;
        self.send_change_without_data(request).await
    }

    /// Deletes the secret at `path` with all its versions, permanently.
    ///
    /// # Errors
    /// Like [`Kv::delete_latest`].
    pub async fn delete_metadata(&self, path: &SecretPath) -> Result<(), Error> {
        let request = Request::delete(self.mount.metadata(path));
        self.send_change_without_data(request).await
    }
}
