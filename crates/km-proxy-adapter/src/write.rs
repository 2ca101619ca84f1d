//! Writes, deletions and listings of the global secrets.

use km_settings::Location;
use secrecy::SecretString;
use vault_http::ApiPath;
use vault_kv::{Cas, ErrorKind as Stored, Fields, Kv, SecretPath, VersionMetadata};

use crate::access::{check_read, check_write};
use crate::error::{Error, convert};
use crate::key_manager::KeyManager;
use crate::listing::{self, Listing};
use crate::stored::{self, StoredState};

/// Options of [`KeyManager::write`].
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The description to store beside the value. Default: that of the settings.
    pub description: Option<String>,
    /// The version to replace; 0 means that no version may exist. Without it, any version is
    /// replaced; if the mount requires check-and-set, the current version is read first.
    pub cas: Option<u64>,
}

/// The version that a write created, and its path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The path of the request, below `/v1/`.
    pub path: ApiPath,
    /// The number of the new version.
    pub version: u64,
}

impl KeyManager {
    /// Writes a new version of a global secret.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it.
    /// - [`ErrorKind::Conflict`] if another version is stored, or if the outcome is unknown. Read
    ///   the secret before writing again.
    /// - [`ErrorKind::Usage`] for an invalid name or a value that is too large.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if nothing was written; retry later.
    ///
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Conflict`]: crate::ErrorKind::Conflict
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn write(
        &self,
        name: &str,
        value: SecretString,
        options: &WriteOptions,
    ) -> Result<Written, Error> {
        let operation = || format!("write {name}");
        let inner = self.inner();
        let path = inner.path(name)?;
        check_write(&inner.settings, operation)?;
        let field = inner.settings.location.field.as_str();
        let description = options.description.as_ref().or(inner.settings.description.as_ref());
        let fields = Fields::new().with(field, value);
        let fields = match description {
            Some(text) => fields.with(Location::DESCRIPTION, text.as_str().into()),
            None => fields,
        };
        let kv = inner.kv_with_deadline();
        let _guard = inner.invalidate_on_drop(&kv, &path);
        let written = put(&kv, &path, &fields, options.cas).await;
        let written = written.map_err(|error| convert::kv(operation(), error))?;
        Ok(Written { path: kv.mount().data(&path), version: written.version })
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

    /// Lists the names in a folder of the global secrets, or those at the top, with the state of
    /// their latest versions.
    ///
    /// The names of folders end in `/`. A folder that does not exist is empty.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it.
    /// - [`ErrorKind::NotFound`] if the mount or the namespace does not exist.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    ///
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn list(&self, folder: Option<&str>) -> Result<Listing<String>, Error> {
        let folder = folder.map(|name| name.trim_matches('/')).filter(|name| !name.is_empty());
        let operation = || format!("list {}", folder.unwrap_or("secrets"));
        let inner = self.inner();
        let path = inner.folder(folder)?;
        check_read(&inner.settings, operation)?;
        let kv = &inner.kv;
        let failed = |error| convert::kv(operation(), error);
        let names = kv.list(path.as_ref()).await.map_err(failed)?;
        let names = names.into_iter().map(|name| {
            // A name that is not a valid path is listed without its state.
            let secret = (!name.ends_with('/')).then(|| match &path {
                Some(folder) => folder.join(&name).ok(),
                None => SecretPath::new(&name).ok(),
            });
            (name, secret.flatten())
        });
        listing::states(kv, names.collect()).await.map_err(failed)
    }
}

/// Writes the fields. If the mount requires check-and-set and no version is given, reads the
/// current version and writes once more.
async fn put(
    kv: &Kv,
    path: &SecretPath,
    fields: &Fields,
    cas: Option<u64>,
) -> Result<VersionMetadata, vault_kv::Error> {
    if let Some(version) = cas {
        return kv.write(path, fields, Cas::Version(version)).await;
    }
    match kv.write(path, fields, Cas::Any).await {
        Err(error) if error.kind() == Stored::CasRequired => {
            let version = current_version(kv, path).await?;
            kv.write(path, fields, Cas::Version(version)).await
        }
        outcome => outcome,
    }
}

/// Returns the version that a check-and-set write must name; 0 if none was ever written.
async fn current_version(kv: &Kv, path: &SecretPath) -> Result<u64, vault_kv::Error> {
    Ok(match stored::state(kv, path).await? {
        StoredState::Never => 0,
        StoredState::Gone(version) => version,
        StoredState::Live(secret) => secret.metadata.version,
    })
}
