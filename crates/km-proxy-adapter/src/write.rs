//! Writing, deleting and listing the global secrets.

use km_settings::Location;
use secrecy::SecretString;
use vault_http::ApiPath;
use vault_kv::{Cas, ErrorKind as Stored, Fields, Kv, SecretPath, VersionMetadata};

use crate::error::convert as explain;
use crate::error::{Error, ErrorKind};
use crate::key_manager::KeyManager;
use crate::listing::{self, Listing};

/// How a value is written.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Stands beside the value; the description of the settings if not given.
    pub description: Option<String>,
    /// The version that is to be replaced, 0 for none. Without it, whichever is there; where the
    /// mount demands one, the version is read first.
    pub cas: Option<u64>,
}

/// What was written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The path of the request, below `/v1/`.
    pub path: ApiPath,
    /// The new version.
    pub version: u64,
}

impl KeyManager {
    /// Writes a new version of a global secret.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] when the access mode forbids it, [`ErrorKind::Conflict`] when another version
    /// is stored or the outcome is unknown; else why Vault did not write.
    pub async fn write(
        &self,
        name: &str,
        value: SecretString,
        options: &WriteOptions,
    ) -> Result<Written, Error> {
        let operation = || format!("write {name}");
        let path = self.path(name)?;
        self.may_write(operation)?;
        let parts = self.parts();
        let field = parts.settings.location.field.as_str();
        let description = options.description.as_ref().or(parts.settings.description.as_ref());
        let fields = Fields::new().with(field, value);
        let fields = match description {
            Some(text) => fields.with(Location::DESCRIPTION, text.as_str().into()),
            None => fields,
        };
        // One deadline for all that it takes.
        let kv = parts.kv.with_deadline(parts.link.session.deadline());
        let _forget = self.forget(&kv, &path);
        let written = put(&kv, &path, &fields, options.cas).await;
        let written = written.map_err(|error| explain::kv(operation(), error))?;
        Ok(Written { path: kv.mount().data(&path), version: written.version })
    }

    /// Deletes the latest version of a global secret; it can be undeleted. Returns the path of the
    /// request.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none, [`ErrorKind::Denied`] when the access mode forbids it;
    /// else why Vault did not delete.
    pub async fn delete(&self, name: &str) -> Result<ApiPath, Error> {
        let operation = || format!("delete {name}");
        let path = self.path(name)?;
        self.may_write(operation)?;
        let parts = self.parts();
        let kv = parts.kv.with_deadline(parts.link.session.deadline());
        let _forget = self.forget(&kv, &path);
        delete(&kv, &path).await.map_err(|error| explain::kv(operation(), error))?;
        Ok(kv.mount().data(&path))
    }

    /// The names of the global secrets in a folder, or of all that are not in one, with the state
    /// of their latest versions; folders end in `/`. What isn't there has no names.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] when the access mode forbids reading; else why Vault returned no names.
    pub async fn list(&self, folder: Option<&str>) -> Result<Listing<String>, Error> {
        let folder = folder.map(|name| name.trim_matches('/')).filter(|name| !name.is_empty());
        let operation = || format!("list {}", folder.unwrap_or("secrets"));
        let path = self.folder(folder)?;
        self.may_read(operation)?;
        let kv = &self.parts().kv;
        let failed = |error| explain::kv(operation(), error);
        let names = kv.list(path.as_ref()).await.map_err(failed)?;
        let names = names.into_iter().map(|name| {
            // What no request can name is listed all the same.
            let secret = (!name.ends_with('/')).then(|| match &path {
                Some(folder) => folder.join(&name).ok(),
                None => SecretPath::new(&name).ok(),
            });
            (name, secret.flatten())
        });
        listing::states(kv, names.collect()).await.map_err(failed)
    }

    pub(crate) fn may_read(&self, operation: impl FnOnce() -> String) -> Result<(), Error> {
        if self.settings().access_mode.reads() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Denied,
            format!("{}: the access mode is write_only", operation()),
        )
        .with_hint("set access_mode (KM_ACCESS_MODE) to read_only or read_and_write"))
    }

    pub(crate) fn may_write(&self, operation: impl FnOnce() -> String) -> Result<(), Error> {
        if self.settings().access_mode.writes() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Denied, format!("{}: the access mode is read_only", operation()))
            .with_hint("set access_mode (KM_ACCESS_MODE) to read_and_write or write_only"))
    }
}

/// Writes; where a check-and-set version is demanded and none is named, with the one read then,
/// once.
async fn put(
    kv: &Kv,
    path: &SecretPath,
    fields: &Fields,
    cas: Option<u64>,
) -> Result<VersionMetadata, vault_kv::Error> {
    let Some(version) = cas else {
        return match kv.write(path, fields, Cas::Any).await {
            Err(error) if error.kind() == Stored::CasRequired => {
                let version = current_version(kv, path).await?;
                kv.write(path, fields, Cas::Version(version)).await
            }
            outcome => outcome,
        };
    };
    kv.write(path, fields, Cas::Version(version)).await
}

/// The version that a check-and-set write has to name: 0 where there was never one.
async fn current_version(kv: &Kv, path: &SecretPath) -> Result<u64, vault_kv::Error> {
    Ok(match present(kv, path).await? {
        Present::Never => 0,
        Present::Gone(version) => version,
        Present::Alive(secret) => secret.metadata.version,
    })
}

/// What is stored under a name.
pub(crate) enum Present {
    /// Nothing, ever.
    Never,
    /// This version is deleted or destroyed.
    Gone(u64),
    /// This.
    Alive(vault_kv::Secret),
}

/// Looks what is stored at `path`. One request.
pub(crate) async fn present(kv: &Kv, path: &SecretPath) -> Result<Present, vault_kv::Error> {
    match kv.read(path).await {
        Ok(secret) => Ok(Present::Alive(secret)),
        Err(error) => match (error.kind(), error.version()) {
            (Stored::NotFound, _) => Ok(Present::Never),
            (Stored::Deleted | Stored::Destroyed, Some(version)) => Ok(Present::Gone(version)),
            _ => Err(error),
        },
    }
}

/// Vault answers the deletion of nothing with success, so it is asked first what is there. A token
/// that may delete but not read deletes all the same.
pub(crate) async fn delete(kv: &Kv, path: &SecretPath) -> Result<(), vault_kv::Error> {
    match kv.read(path).await {
        Err(error) if !is_denied(&error) => Err(error),
        _ => kv.delete_latest(path).await,
    }
}

/// Whether a policy refused it.
pub(crate) fn is_denied(error: &vault_kv::Error) -> bool {
    error.kind() == Stored::Exchange(vault_http::ErrorKind::Denied)
}
