//! The history of a key, and changes of its versions.

use super::VirtualKeys;
use super::alias::KeyAlias;
use crate::access::{check_read, check_write};
use crate::error::Error;
use crate::history::{self, History, VersionChange};

impl VirtualKeys {
    /// Returns the versions of a key.
    ///
    /// # Errors
    /// As [`read`](Self::read), except for [`ErrorKind::StoredValue`], because no value is read.
    ///
    /// [`ErrorKind::StoredValue`]: crate::ErrorKind::StoredValue
    pub async fn history(&self, alias: &KeyAlias) -> Result<History, Error> {
        let path = self.folder.path(alias)?;
        let operation = self.begin(format!("read the history of the key {alias}"));
        check_read(&self.inner.settings, || operation.name.clone())?;
        let history = history::read(&operation.kv, &path).await;
        history.map_err(|error| operation.failed(error))
    }

    /// Undeletes a version of a key, or the newest deleted one. If it is not deleted, nothing is
    /// changed.
    ///
    /// The metadata is read first, whatever the access mode.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no such key or version, or if it is destroyed.
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it, or for a path among the
    ///   provider secrets.
    /// - [`ErrorKind::Conflict`] if the outcome is unknown. Repeat the call.
    /// - [`ErrorKind::Usage`] for an alias that could be another location's key.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if nothing was changed; retry later.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Conflict`]: crate::ErrorKind::Conflict
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn undelete(
        &self,
        alias: &KeyAlias,
        version: Option<u64>,
    ) -> Result<VersionChange, Error> {
        let path = self.folder.path(alias)?;
        let operation = self.begin(format!("undelete the key {alias}"));
        check_write(&self.inner.settings, || operation.name.clone())?;
        let _guard = self.inner.invalidate_on_drop(&operation.kv, &path);
        let undeleted = history::undelete(&operation.kv, &path, version).await;
        undeleted
            .map_err(|error| error.into_error(&operation.name, |error| operation.failed(error)))
    }

    /// Destroys the data of these versions of a key permanently. If one does not exist, nothing is
    /// changed.
    ///
    /// The metadata is read first, whatever the access mode.
    ///
    /// # Errors
    /// As [`undelete`](Self::undelete). A version that is destroyed already is not an error.
    pub async fn destroy(
        &self,
        alias: &KeyAlias,
        versions: &[u64],
    ) -> Result<VersionChange, Error> {
        let path = self.folder.path(alias)?;
        let operation = self.begin(format!("destroy the key {alias}"));
        check_write(&self.inner.settings, || operation.name.clone())?;
        let _guard = self.inner.invalidate_on_drop(&operation.kv, &path);
        let destroyed = history::destroy(&operation.kv, &path, versions).await;
        destroyed
            .map_err(|error| error.into_error(&operation.name, |error| operation.failed(error)))
    }
}
