//! Secrets and folders of the global location by their paths in the mount, for a Vault API.
//!
//! The latest versions come from the same cache as reads by name.

pub(crate) mod document;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use vault_kv::{Cas, Fields, MetadataUpdate, SecretMetadata, SecretPath, VersionMetadata};

use crate::access::{check_read, check_write, is_folder_listed, is_served};
use crate::error::{Error, ErrorKind, convert};
use crate::inner::Inner;
use crate::name::{self, Name};
use crate::read::refresh::Refresh;
use crate::read::secret::Source;
use crate::read::{Cached, ReadError};
use document::Document;

/// A secret or a folder of secrets, by its path in the mount. Cheap to clone.
///
/// All methods check the access mode and `hosted_keys`.
#[derive(Clone)]
pub struct Entry {
    inner: Arc<Inner>,
    /// `None` is the root of the mount.
    name: Option<Name>,
}

impl Entry {
    pub(crate) fn new(inner: Arc<Inner>, path: &str) -> Result<Self, Error> {
        if path.is_empty() && inner.settings.location.path_prefix.is_none() {
            return Ok(Self { inner, name: None });
        }
        let parsed = (!path.is_empty()).then(|| SecretPath::new(path)).transpose();
        let parsed = parsed.map_err(|why| name::invalid("path", path, &why))?;
        let name = parsed.and_then(|path| inner.name_at(path)).ok_or_else(|| {
            let what = "permission denied: this path is not below HCP_VAULT_PATH_PREFIX";
            Error::new(ErrorKind::Denied, what).with_hint("use a path below the configured prefix")
        })?;
        Ok(Self { inner, name: Some(name) })
    }

    /// Returns the latest version, through the cache.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode, `hosted_keys` or a policy forbids the read.
    /// - [`ErrorKind::NotFound`] if there is no live version; [`Error::reason`] says why.
    /// - [`ErrorKind::Usage`] for the root of the mount.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    pub async fn read(&self) -> Result<Document, Error> {
        let name = self.secret()?;
        check_read(&self.inner.settings, || self.operation("read"))?;
        let cached = self.inner.cached(name).await;
        cached.map(|value| document(&value)).map_err(|error| self.not_read(&error))
    }

    /// Returns the latest version from Vault, however young the cached one is. If that fails and
    /// the cached version may be served, returns that.
    ///
    /// Requests are limited as in [`KeyManager::refresh`](crate::KeyManager::refresh).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn refresh(&self) -> Result<Document, Error> {
        let name = self.secret()?;
        check_read(&self.inner.settings, || self.operation("read"))?;
        let deadline = self.inner.read_deadline();
        let refreshed = self.inner.refresh_in_vault(name, Refresh::Always, deadline).await;
        let error = refreshed.error();
        match (refreshed.into_value(), error) {
            (Some(value), _) => Ok(document(&value)),
            (None, Some(error)) => Err(self.not_read(&error)),
            (None, None) => self.read().await,
        }
    }

    /// Returns one version, from Vault.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn read_version(&self, version: u64) -> Result<Document, Error> {
        let path = self.path()?;
        check_read(&self.inner.settings, || self.operation("read"))?;
        let secret = self.inner.kv_with_deadline().read_version(path, version).await;
        let secret = secret.map_err(|error| self.failed("read", error))?;
        Ok(Document::new(Arc::new(secret), Source::Vault, Duration::ZERO))
    }

    /// Writes a new version with exactly these fields. `cas` is the version to replace.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode, `hosted_keys` or a policy forbids the write.
    /// - [`ErrorKind::Conflict`] if another version is stored, or if the outcome is unknown. Read
    ///   the secret before writing again.
    /// - [`ErrorKind::Usage`] for the root of the mount or a value that is too large.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if nothing was written; retry later.
    pub async fn write(&self, fields: &Fields, cas: Option<u64>) -> Result<VersionMetadata, Error> {
        let path = self.path()?;
        check_write(&self.inner.settings, || self.operation("write"))?;
        let cas = cas.map_or(Cas::Any, Cas::Version);
        let _guard = self.inner.invalidate_on_drop(&self.inner.kv, path);
        let written = self.inner.kv_with_deadline().write(path, fields, cas).await;
        written.map_err(|error| self.failed("write", error))
    }

    /// Deletes the latest version, which can be undeleted. Succeeds if there is none.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn delete(&self) -> Result<(), Error> {
        let path = self.path()?;
        check_write(&self.inner.settings, || self.operation("delete"))?;
        let _guard = self.inner.invalidate_on_drop(&self.inner.kv, path);
        let deleted = self.inner.kv_with_deadline().delete_latest(path).await;
        deleted.map_err(|error| self.failed("delete", error))
    }

    /// Returns the metadata of the secret and all its versions, from Vault.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn metadata(&self) -> Result<SecretMetadata, Error> {
        let path = self.path()?;
        check_read(&self.inner.settings, || self.operation("read the metadata of"))?;
        let metadata = self.inner.kv_with_deadline().metadata(path).await;
        metadata.map_err(|error| self.failed("read the metadata of", error))
    }

    /// Updates the metadata of the secret.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn put_metadata(&self, update: &MetadataUpdate) -> Result<(), Error> {
        let path = self.path()?;
        check_write(&self.inner.settings, || self.operation("write the metadata of"))?;
        let _guard = self.inner.invalidate_on_drop(&self.inner.kv, path);
        let written = self.inner.kv_with_deadline().put_metadata(path, update).await;
        written.map_err(|error| self.failed("write the metadata of", error))
    }

    /// Deletes the secret with all its versions, permanently.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn delete_metadata(&self) -> Result<(), Error> {
        let path = self.path()?;
        check_write(&self.inner.settings, || self.operation("remove"))?;
        let _guard = self.inner.invalidate_on_drop(&self.inner.kv, path);
        let removed = self.inner.kv_with_deadline().delete_metadata(path).await;
        removed.map_err(|error| self.failed("remove", error))
    }

    /// Lists the names in this folder that may be served. The names of folders end in `/`. A
    /// folder that does not exist is empty.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids the listing.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    pub async fn list(&self) -> Result<Vec<String>, Error> {
        check_read(&self.inner.settings, || self.operation("list"))?;
        let names = self.inner.kv_with_deadline().list(self.name.as_ref().map(Name::path)).await;
        let names = names.map_err(|error| self.failed("list", error))?;
        let names = names.into_iter().map(|entry| entry.to_string());
        Ok(names.filter(|name| self.is_listed(name)).collect())
    }

    fn path(&self) -> Result<&SecretPath, Error> {
        self.secret().map(Name::path)
    }

    /// Returns the secret at this path, if `hosted_keys` allows it.
    fn secret(&self) -> Result<&Name, Error> {
        let name = self.name.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, "the root of the mount is not a secret")
                .with_hint("name a secret")
        })?;
        if is_served(&self.inner.settings, name.as_str()) {
            return Ok(name);
        }
        let what = format!("{}: permission denied: not in hosted_keys", name.path().decoded());
        Err(Error::new(ErrorKind::Denied, what).with_hint("add the name to hosted_keys"))
    }

    /// Returns whether a listing of this folder includes the name.
    fn is_listed(&self, listed: &str) -> bool {
        let folder = self.name.as_ref().map_or("", Name::as_str);
        let full = |name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        match listed.strip_suffix('/') {
            Some(inner) => is_folder_listed(&self.inner.settings, &full(inner)),
            None => is_served(&self.inner.settings, &full(listed)),
        }
    }

    fn not_read(&self, error: &ReadError) -> Error {
        error.to_error(self.operation("read"))
    }

    fn failed(&self, verb: &str, error: vault_kv::Error) -> Error {
        convert::kv(self.operation(verb), error)
    }

    fn operation(&self, verb: &str) -> String {
        match &self.name {
            Some(name) => format!("{verb} {}", name.path().decoded()),
            None => format!("{verb} the root of the mount"),
        }
    }
}

/// Returns a value of the cache as a document.
fn document(cached: &Cached) -> Document {
    Document::new(Arc::clone(&cached.secret), Source::of_cached(cached), cached.age())
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("path", &self.name.as_ref().map(Name::path))
            .finish_non_exhaustive()
    }
}
