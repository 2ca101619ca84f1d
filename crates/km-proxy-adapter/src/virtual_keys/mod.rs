//! The virtual keys that a gateway issues: their location, reads, listings and deletion.
//!
//! [`change`] stores, rotates and renames them, [`versions`] returns and changes their versions.
//! [`location`] decides which paths belong to which location.

pub(crate) mod alias;
pub(crate) mod change;
mod document;
pub(crate) mod location;
mod steps;
mod versions;

use std::fmt;
use std::sync::Arc;

use km_settings::TeamSettings;
use secrecy::SecretString;
use vault_http::ApiPath;
use vault_kv::{Kv, SecretPath};

use self::alias::KeyAlias;
use self::location::KeyFolder;
use self::steps::Operation;
use crate::access::{check_read, check_write};
use crate::error::{Error, convert};
use crate::inner::Inner;
use crate::listing::{self, ListProgress, Listing};
use crate::log::warn;
use crate::read::version::{check_version, version_error};
use crate::route::SecretLocation;
use crate::stored;

/// The virtual keys of one location: the global one, or a team's. Cheap to clone.
///
/// Keys are always read from Vault, never from the cache.
#[derive(Clone)]
pub struct VirtualKeys {
    inner: Arc<Inner>,
    kv: Kv,
    folder: KeyFolder,
    of_team: bool,
}

/// A virtual key as it is stored.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VirtualKey {
    /// The key, byte for byte.
    pub value: SecretString,
    /// The version number.
    pub version: u64,
    /// When the version was written, in RFC 3339.
    pub created: String,
}

impl VirtualKeys {
    pub(crate) fn new(inner: Arc<Inner>, team: Option<&TeamSettings>) -> Result<Self, Error> {
        let folder = KeyFolder::new(&inner.settings, team)?;
        let kv = inner.mounts.engine(&folder.mount);
        Ok(Self { inner, kv, folder, of_team: team.is_some() })
    }

    /// Returns where a key is stored. Sends nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for an alias that could be another location's key,
    /// [`ErrorKind::Denied`] for a path among the provider secrets.
    ///
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    pub fn locate(&self, alias: &KeyAlias) -> Result<SecretLocation, Error> {
        Ok(self.location(self.url(&self.folder.path(alias)?)))
    }

    /// Returns where the keys are listed. Sends nothing.
    pub fn locate_folder(&self) -> SecretLocation {
        self.location(self.kv.mount().folder(self.folder.path.as_ref()))
    }

    /// Reads a key from Vault.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no such key.
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids the read, or for a path among
    ///   the provider secrets.
    /// - [`ErrorKind::StoredValue`] if the field is missing or not a string.
    /// - [`ErrorKind::Usage`] for an alias that could be another location's key.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::StoredValue`]: crate::ErrorKind::StoredValue
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn read(&self, alias: &KeyAlias) -> Result<VirtualKey, Error> {
        self.read_version(alias, None).await
    }

    /// Reads one version of a key from Vault, or the latest version for `None`.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`ErrorKind::Usage`](crate::ErrorKind::Usage) for version 0.
    pub async fn read_version(
        &self,
        alias: &KeyAlias,
        version: Option<u64>,
    ) -> Result<VirtualKey, Error> {
        let path = self.folder.path(alias)?;
        let name = match version {
            Some(version) => format!("read the key {alias} version {version}"),
            None => format!("read the key {alias}"),
        };
        let operation = self.begin(name);
        check_read(&self.inner.settings, || operation.name.clone())?;
        let secret = match version {
            Some(version) => {
                check_version(&operation.name, version)?;
                let secret = operation.kv.read_version(&path, version).await;
                secret.map_err(|error| version_error(operation.failed(error)))?
            }
            None => operation.kv.read(&path).await.map_err(|error| operation.failed(error))?,
        };
        let text = secret.fields.into_text(&self.folder.field);
        let value = text.map_err(|error| {
            convert::field(format!("{}: {}", operation.name, self.url(&path)), error)
        })?;
        let (version, created) = (secret.metadata.version, secret.metadata.created_time);
        Ok(VirtualKey { value, version, created })
    }

    /// Lists the aliases of all keys, sorted, with the state of their latest versions.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids the listing.
    /// - [`ErrorKind::NotFound`] if the mount or the namespace does not exist.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    ///
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn list(&self) -> Result<Listing<KeyAlias>, Error> {
        self.list_with_progress(|_| {}).await
    }

    /// Like [`list`](Self::list), and reports to `on_progress` how many states are known.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn list_with_progress(
        &self,
        on_progress: impl FnMut(ListProgress),
    ) -> Result<Listing<KeyAlias>, Error> {
        let operation = self.begin("list the keys".to_owned());
        check_read(&self.inner.settings, || operation.name.clone())?;
        let mut found = self.walk(&operation).await?;
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        let states = listing::states(&self.kv, found, on_progress).await;
        states.map_err(|error| operation.failed(error))
    }

    /// Lists the keys in the folder and in all its subfolders that may contain keys of this
    /// location.
    async fn walk(
        &self,
        operation: &Operation,
    ) -> Result<Vec<(KeyAlias, Option<SecretPath>)>, Error> {
        let mut found = Vec::new();
        let mut folders = vec![(String::new(), self.folder.path.clone())];
        while let Some((parent, path)) = folders.pop() {
            let names = operation.kv.list(path.as_ref()).await;
            let names = names.map_err(|error| operation.failed(error))?;
            for name in names.iter().map(|entry| format!("{parent}{entry}")) {
                let subfolder = name.strip_suffix('/');
                let Some((alias, path)) = self.listed(subfolder.unwrap_or(&name)) else {
                    continue;
                };
                match subfolder {
                    None => found.push((alias, Some(path))),
                    Some(subfolder) if self.folder.may_contain_keys(subfolder) => {
                        folders.push((name, Some(path)));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(found)
    }

    /// Deletes the latest version of a key and returns the path of the request. The version can be
    /// undeleted.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no such key.
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it, or for a path among the
    ///   provider secrets.
    /// - [`ErrorKind::Usage`] for an alias that could be another location's key.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be used now; retry
    ///   later.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn delete(&self, alias: &KeyAlias) -> Result<ApiPath, Error> {
        let path = self.folder.path(alias)?;
        let operation = self.begin(format!("delete the key {alias}"));
        check_write(&self.inner.settings, || operation.name.clone())?;
        let _guard = self.inner.invalidate_on_drop(&operation.kv, &path);
        let deleted = stored::delete(&operation.kv, &path).await;
        deleted.map_err(|error| operation.failed(error))?;
        Ok(self.url(&path))
    }

    /// Begins an operation: its deadline starts now.
    fn begin(&self, name: String) -> Operation {
        let deadline = self.inner.connection.session.deadline();
        Operation { kv: self.kv.with_deadline(deadline), name, of_team: self.of_team }
    }

    /// Returns a name in a listing as an alias, or `None` if it is not a key of this location or
    /// not a valid path.
    fn listed(&self, name: &str) -> Option<(KeyAlias, SecretPath)> {
        let alias = KeyAlias::new(name).inspect_err(|error| {
            warn!(error = error.message(), "virtual key is left out of the listing");
        });
        let alias = alias.ok()?;
        let path = self.folder.path(&alias).ok()?;
        Some((alias, path))
    }

    fn location(&self, path: ApiPath) -> SecretLocation {
        SecretLocation::Vault { path, field: self.folder.field.clone() }
    }

    /// Returns the path of the request for the key at `path`.
    fn url(&self, path: &SecretPath) -> ApiPath {
        self.kv.mount().data(path)
    }
}

impl fmt::Debug for VirtualKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualKeys").field("folder", &self.folder).finish_non_exhaustive()
    }
}
