//! The history of a secret, and changes of its versions.

use vault_http::ApiPath;
use vault_kv::{Kv, SecretPath};

use crate::access::{check_read, check_write};
use crate::error::{Error, convert};
use crate::history::{self, History, VersionChange, VersionError};
use crate::key_manager::KeyManager;
use crate::name;
use crate::ownership::is_virtual_key;
use crate::route::not_a_provider_secret;
use crate::stored;

impl KeyManager {
    /// Returns the versions of a global secret, by its name or by a reference `os.environ/NAME`.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no such secret.
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it, or for the name of a
    ///   virtual key.
    /// - [`ErrorKind::Usage`] for an invalid name.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn history(&self, reference: &str) -> Result<History, Error> {
        let name = name::parse(reference)?;
        let operation = || format!("read the history of {name}");
        let inner = self.inner();
        let path = inner.path(name)?;
        self.check_provider_secret(name, operation)?;
        check_read(&inner.settings, operation)?;
        let history = history::read(&inner.kv_with_deadline(), &path).await;
        history.map_err(|error| convert::kv(operation(), error))
    }

    /// Deletes the latest version of a global secret and returns the path of the request. The
    /// version can be undeleted.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no live version. Otherwise like
    /// [`write`](Self::write).
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    pub async fn delete(&self, name: &str) -> Result<ApiPath, Error> {
        let operation = || format!("delete {name}");
        let inner = self.inner();
        let path = inner.path(name)?;
        check_write(&inner.settings, operation)?;
        let kv = inner.kv_with_deadline();
        let _guard = inner.invalidate_on_drop(&kv, &path);
        stored::delete(&kv, &path).await.map_err(|error| convert::kv(operation(), error))?;
        Ok(kv.mount().data(&path))
    }

    /// Undeletes a version of a global secret, or the newest deleted one. If it is not deleted,
    /// nothing is changed.
    ///
    /// The metadata is read first, whatever the access mode.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no such secret or version, or if it is destroyed.
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it, or for the name of a
    ///   virtual key.
    /// - [`ErrorKind::Conflict`] if the outcome is unknown. Repeat the call.
    /// - [`ErrorKind::Usage`] for an invalid name.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if nothing was changed; retry later.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Conflict`]: crate::ErrorKind::Conflict
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn undelete(&self, name: &str, version: Option<u64>) -> Result<VersionChange, Error> {
        let undelete =
            async |kv: &Kv, path: &SecretPath| history::undelete(kv, path, version).await;
        self.change_versions("undelete", name, undelete).await
    }

    /// Destroys the data of these versions of a global secret permanently. If one does not exist,
    /// nothing is changed.
    ///
    /// The metadata is read first, whatever the access mode.
    ///
    /// # Errors
    /// As [`undelete`](Self::undelete). A version that is destroyed already is not an error.
    pub async fn destroy(&self, name: &str, versions: &[u64]) -> Result<VersionChange, Error> {
        let destroy = async |kv: &Kv, path: &SecretPath| history::destroy(kv, path, versions).await;
        self.change_versions("destroy", name, destroy).await
    }

    async fn change_versions(
        &self,
        verb: &str,
        name: &str,
        change: impl AsyncFnOnce(&Kv, &SecretPath) -> Result<VersionChange, VersionError>,
    ) -> Result<VersionChange, Error> {
        let operation = format!("{verb} {name}");
        let inner = self.inner();
        let path = inner.path(name)?;
        self.check_provider_secret(name, || operation.clone())?;
        check_write(&inner.settings, || operation.clone())?;
        let kv = inner.kv_with_deadline();
        let _guard = inner.invalidate_on_drop(&kv, &path);
        change(&kv, &path).await.map_err(|error| {
            error.into_error(&operation, |error| convert::kv(operation.as_str(), error))
        })
    }

    fn check_provider_secret(
        &self,
        name: &str,
        operation: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        if is_virtual_key(&self.inner().settings, name) {
            return Err(not_a_provider_secret(&operation()));
        }
        Ok(())
    }
}
