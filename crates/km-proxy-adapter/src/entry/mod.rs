//! What is at one path of the mount, and what can be done to it.

mod document;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use vault_kv::{Cas, Fields, Kv, MetadataUpdate, SecretMetadata, SecretPath, VersionMetadata};

use crate::error::convert as explain;
use crate::error::{Error, ErrorKind};
use crate::key_manager::KeyManager;
use crate::name::{self, Name};
use crate::ownership::{is_served, lists_folder};
use crate::read::secret::Source;
pub use document::Document;

/// A secret, or a folder of secrets, by its path in the mount. Cheap to clone.
#[derive(Clone)]
pub struct Entry {
    keys: KeyManager,
    /// `None` is the top of the mount.
    name: Option<Name>,
}

impl KeyManager {
    /// The namespace and the mount of the global location, as they stand in a request's path, but
    /// decoded.
    pub fn mount(&self) -> String {
        self.parts().kv.mount().full().decoded().into_owned()
    }

    /// What is at `path` in the mount, the location's path prefix included; empty is the top of the
    /// mount. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when it can't stand in a request, [`ErrorKind::Denied`] when it is not below the
    /// location's prefix.
    pub fn entry(&self, path: &str) -> Result<Entry, Error> {
        if path.is_empty() && self.settings().location.path_prefix.is_none() {
            return Ok(Entry { keys: self.clone(), name: None });
        }
        let parsed = (!path.is_empty()).then(|| SecretPath::new(path)).transpose();
        let parsed = parsed.map_err(|why| name::unusable("path", path, why))?;
        let name = parsed.and_then(|path| self.name_of(path)).ok_or_else(|| {
            Error::new(ErrorKind::Denied, "this path is not below HCP_VAULT_PATH_PREFIX")
                .with_hint("ask for what is at the configured location")
        })?;
        Ok(Entry { keys: self.clone(), name: Some(name) })
    }
}

impl Entry {
    /// The latest version, through the cache.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] where the access mode forbids reading or `hosted_keys` leaves the secret
    /// out, [`ErrorKind::NotFound`] where there is none; else why Vault returned none.
    pub async fn read(&self) -> Result<Document, Error> {
        let name = self.secret()?;
        self.keys.may_read(|| self.operation("read"))?;
        let lent = self.keys.cached(name).await;
        let lent = lent.map_err(|error| error.explain(self.operation("read")))?;
        let (source, age) = (Source::of(&lent), lent.age());
        Ok(Document { secret: Arc::clone(&lent.secret), source, age })
    }

    /// One version, from Vault.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn read_version(&self, version: u64) -> Result<Document, Error> {
        let path = self.path()?;
        self.keys.may_read(|| self.operation("read"))?;
        let secret = self.kv().read_version(path, version).await;
        let secret = secret.map_err(|error| self.failed("read", error))?;
        Ok(Document { secret: Arc::new(secret), source: Source::Vault, age: Duration::ZERO })
    }

    /// Writes a new version with exactly these fields; `cas` is the version that it replaces.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] where the access mode forbids it, [`ErrorKind::Conflict`] when another version
    /// is stored or the outcome is unknown; else why Vault did not write.
    pub async fn write(&self, fields: &Fields, cas: Option<u64>) -> Result<VersionMetadata, Error> {
        let path = self.path()?;
        self.keys.may_write(|| self.operation("write"))?;
        let cas = cas.map_or(Cas::Any, Cas::Version);
        let _forget = self.keys.forget(&self.keys.parts().kv, path);
        let written = self.kv().write(path, fields, cas).await;
        written.map_err(|error| self.failed("write", error))
    }

    /// Deletes the latest version; it can be undeleted. No error when there is none.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn delete(&self) -> Result<(), Error> {
        let path = self.path()?;
        self.keys.may_write(|| self.operation("delete"))?;
        let _forget = self.keys.forget(&self.keys.parts().kv, path);
        let deleted = self.kv().delete_latest(path).await;
        deleted.map_err(|error| self.failed("delete", error))
    }

    /// The metadata with all versions, from Vault.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn metadata(&self) -> Result<SecretMetadata, Error> {
        let path = self.path()?;
        self.keys.may_read(|| self.operation("read the metadata of"))?;
        let metadata = self.kv().metadata(path).await;
        metadata.map_err(|error| self.failed("read the metadata of", error))
    }

    /// Sets metadata.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn put_metadata(&self, update: &MetadataUpdate) -> Result<(), Error> {
        let path = self.path()?;
        self.keys.may_write(|| self.operation("write the metadata of"))?;
        let _forget = self.keys.forget(&self.keys.parts().kv, path);
        let written = self.kv().put_metadata(path, update).await;
        written.map_err(|error| self.failed("write the metadata of", error))
    }

    /// Removes all versions, for good.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn delete_metadata(&self) -> Result<(), Error> {
        let path = self.path()?;
        self.keys.may_write(|| self.operation("remove"))?;
        let _forget = self.keys.forget(&self.keys.parts().kv, path);
        let removed = self.kv().delete_metadata(path).await;
        removed.map_err(|error| self.failed("remove", error))
    }

    /// The names in this folder that are served; folders end in `/`. What isn't there has no names.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn list(&self) -> Result<Vec<String>, Error> {
        self.keys.may_read(|| self.operation("list"))?;
        let names = self.kv().list(self.name.as_ref().map(Name::path)).await;
        let mut names = names.map_err(|error| self.failed("list", error))?;
        names.retain(|name| self.shows(name));
        Ok(names)
    }

    fn kv(&self) -> Kv {
        let parts = self.keys.parts();
        parts.kv.with_deadline(parts.link.session.deadline())
    }

    fn path(&self) -> Result<&SecretPath, Error> {
        self.secret().map(Name::path)
    }

    /// The secret at this path, if `hosted_keys` lets it be served.
    fn secret(&self) -> Result<&Name, Error> {
        let name = self.name.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, "the top of the mount is no secret")
                .with_hint("name a secret")
        })?;
        if is_served(self.keys.settings(), name.as_str()) {
            return Ok(name);
        }
        let what = format!("{}: not one of hosted_keys", name.path().decoded());
        Err(Error::new(ErrorKind::Denied, what).with_hint("add the name to hosted_keys"))
    }

    /// Whether a listing of this folder shows the name.
    fn shows(&self, listed: &str) -> bool {
        let folder = self.name.as_ref().map_or("", Name::as_str);
        let full = |name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        match listed.strip_suffix('/') {
            Some(inner) => lists_folder(self.keys.settings(), &full(inner)),
            None => is_served(self.keys.settings(), &full(listed)),
        }
    }

    fn failed(&self, what: &str, error: vault_kv::Error) -> Error {
        explain::kv(self.operation(what), error)
    }

    fn operation(&self, what: &str) -> String {
        match &self.name {
            Some(name) => format!("{what} {}", name.path().decoded()),
            None => format!("{what} the top of the mount"),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("path", &self.name.as_ref().map(Name::path))
            .finish_non_exhaustive()
    }
}
