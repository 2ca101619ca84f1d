//! The virtual keys that a gateway hands out: where they are kept, read and listed.
//!
//! How one is written is in `changes.rs`; which names belong to whom, in `folder.rs`.

mod alias;
mod change;
mod document;
mod location;
mod steps;

use km_settings::TeamSettings;
use secrecy::SecretString;
use tracing::warn;
use vault_http::ApiPath;
use vault_kv::{Kv, SecretPath};

pub use alias::KeyAlias;
pub use change::{KeyChange, StoreOutcome};
pub(crate) use location::KeyFolder;
use steps::Operation;

use crate::error::Error;
use crate::error::convert as explain;
use crate::key_manager::{KeyManager, SecretLocation};
use crate::listing::{self, Listing};
use crate::write::delete;

/// The virtual keys of one location: the gateway's own, or a team's. Cheap to clone.
///
/// What is read comes from Vault each time, never from memory.
#[derive(Debug, Clone)]
pub struct VirtualKeys {
    keys: KeyManager,
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
    /// The version that Vault counts.
    pub version: u64,
    /// When that version was written, RFC 3339.
    pub created: String,
}

impl KeyManager {
    /// The virtual keys of a team, or of those who have no location of their own. Nothing is sent.
    ///
    /// A team whose settings can't be had has no location: don't take `None` for it.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings) where the team's settings and the global ones contradict each other,
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) where the team has no right to the place that it names.
    pub fn virtual_keys(&self, team: Option<&TeamSettings>) -> Result<VirtualKeys, Error> {
        let folder = KeyFolder::new(self.settings(), team)?;
        let kv = self.parts().engines.at(&folder.mount);
        Ok(VirtualKeys { keys: self.clone(), kv, folder, of_team: team.is_some() })
    }
}

impl VirtualKeys {
    /// Where a key is. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an alias that can't stand there, or that could name another location's
    /// key; [`ErrorKind::Denied`](crate::ErrorKind::Denied) for a path among the provider keys.
    pub fn locate(&self, alias: &KeyAlias) -> Result<SecretLocation, Error> {
        Ok(self.place(self.url(&self.folder.path(alias)?)))
    }

    /// The folder that is listed. Nothing is sent.
    pub fn locate_folder(&self) -> SecretLocation {
        self.place(self.kv.mount().folder(self.folder.path.as_ref()))
    }

    /// The value of a key, as it is stored now.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is none, [`ErrorKind::Denied`](crate::ErrorKind::Denied) when the access mode forbids
    /// reading, [`ErrorKind::StoredValue`](crate::ErrorKind::StoredValue) when what is stored is no key; else why Vault did not tell.
    pub async fn read(&self, alias: &KeyAlias) -> Result<VirtualKey, Error> {
        let path = self.folder.path(alias)?;
        let work = self.begin(format!("read the key {alias}"));
        self.keys.may_read(|| work.operation.clone())?;
        let secret = work.kv.read(&path).await.map_err(|error| work.failed(error))?;
        let text = secret.fields.into_text(&self.folder.field);
        let value = text.map_err(|error| {
            explain::field(format!("{}: {}", work.operation, self.url(&path)), error)
        })?;
        let (version, created) = (secret.metadata.version, secret.metadata.created_time);
        Ok(VirtualKey { value, version, created })
    }

    /// The aliases of all keys, sorted, with the state of their latest versions.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) when the access mode forbids reading; else why Vault
    /// returned no names.
    pub async fn list(&self) -> Result<Listing<KeyAlias>, Error> {
        let work = self.begin("list the keys".to_owned());
        self.keys.may_read(|| work.operation.clone())?;
        let mut found = self.walk(&work).await?;
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        listing::states(&self.kv, found).await.map_err(|error| work.failed(error))
    }

    /// The keys in the folder and in all below it that may hold keys of this location.
    async fn walk(&self, work: &Operation) -> Result<Vec<(KeyAlias, Option<SecretPath>)>, Error> {
        let mut found = Vec::new();
        let mut folders = vec![(String::new(), self.folder.path.clone())];
        while let Some((above, path)) = folders.pop() {
            let names = work.kv.list(path.as_ref()).await.map_err(|error| work.failed(error))?;
            for name in names.iter().map(|name| format!("{above}{name}")) {
                let inner = name.strip_suffix('/');
                let Some((alias, path)) = self.listed(inner.unwrap_or(&name)) else {
                    continue;
                };
                match inner {
                    None => found.push((alias, Some(path))),
                    Some(inner) if self.folder.holds(inner) => folders.push((name, Some(path))),
                    Some(_) => {}
                }
            }
        }
        Ok(found)
    }

    /// Deletes the latest version of a key; it can be undeleted. Returns the path of the request.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is none, [`ErrorKind::Denied`](crate::ErrorKind::Denied) when the access mode forbids it;
    /// else why Vault did not delete.
    pub async fn delete(&self, alias: &KeyAlias) -> Result<ApiPath, Error> {
        let path = self.folder.path(alias)?;
        let work = self.begin(format!("delete the key {alias}"));
        self.keys.may_write(|| work.operation.clone())?;
        let _forget = self.keys.forget(&work.kv, &path);
        delete(&work.kv, &path).await.map_err(|error| work.failed(error))?;
        Ok(self.url(&path))
    }

    fn begin(&self, operation: String) -> Operation {
        let deadline = self.keys.parts().link.session.deadline();
        Operation { kv: self.kv.with_deadline(deadline), operation, of_team: self.of_team }
    }

    /// A name in a listing, if it is this location's. What no request can name is nobody's.
    fn listed(&self, name: &str) -> Option<(KeyAlias, SecretPath)> {
        let alias = KeyAlias::new(name).inspect_err(|error| {
            warn!(error = error.message(), "left out of the list of keys");
        });
        let alias = alias.ok()?;
        let path = self.folder.path(&alias).ok()?;
        Some((alias, path))
    }

    fn place(&self, path: ApiPath) -> SecretLocation {
        SecretLocation::Vault { path, field: self.folder.field.clone() }
    }

    fn url(&self, path: &SecretPath) -> ApiPath {
        self.kv.mount().data(path)
    }
}
