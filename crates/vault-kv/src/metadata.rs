//! A secret's metadata: its versions, its limits, and what its owner notes about it.

use std::collections::BTreeMap;

use serde::Serialize;
use vault_http::Request;

use crate::error::Error;
use crate::kv::Kv;
use crate::path::SecretPath;
use crate::secret::SecretMetadata;

/// What is to be set of a secret's metadata; `None` leaves a part as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MetadataUpdate {
    /// How many versions are kept; 0: as many as the mount says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_versions: Option<u64>,
    /// Whether each write needs a check-and-set version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cas_required: Option<bool>,
    /// After how long a version is deleted, as a Go duration such as `3h25m19s`; `0s`: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_version_after: Option<String>,
    /// Notes of the owner. Everybody who may read metadata sees them: no place for secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_metadata: Option<BTreeMap<String, String>>,
}

impl Kv {
    /// The metadata of the secret at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), and the failures of the exchange.
    pub async fn metadata(&self, path: &SecretPath) -> Result<SecretMetadata, Error> {
        let request = Request::get(self.mount.metadata(path));
        let answer = self.ask(request, self.deadline()).await?;
        answer.expect_status(&[200]).map_err(Error::read)?;
        answer.data().map_err(Error::read)
    }

    /// Sets metadata, before there is a version too. Custom metadata is replaced whole.
    ///
    /// # Errors
    /// As [`Kv::delete_latest`].
    pub async fn put_metadata(
        &self,
        path: &SecretPath,
        update: &MetadataUpdate,
    ) -> Result<(), Error> {
        let request = Request::post(self.mount.metadata(path), update).map_err(Error::write)?;
        self.change_only(request).await
    }

    /// Sets metadata of a secret that exists. Custom metadata is merged key by key.
    ///
    /// # Errors
    /// As [`Kv::delete_latest`], and [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn patch_metadata(
        &self,
        path: &SecretPath,
        update: &MetadataUpdate,
    ) -> Result<(), Error> {
        let request = Request::patch(self.mount.metadata(path), update).map_err(Error::write)?;
        self.change_only(request).await
    }

    /// Removes the secret at `path` with all its versions, for good.
    ///
    /// # Errors
    /// As [`Kv::delete_latest`].
    pub async fn delete_metadata(&self, path: &SecretPath) -> Result<(), Error> {
        let request = Request::delete(self.mount.metadata(path));
        self.change_only(request).await
    }
}
