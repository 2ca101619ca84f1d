//! Storing, rotating and renaming keys, so that no key's value is ever nowhere.

use secrecy::{ExposeSecret as _, SecretString};
use vault_http::ApiPath;
use vault_kv::{Fields, SecretPath};

use super::document::{came_from, derived, described};
use super::steps::{Match, Operation, StoredDocument};
use super::{KeyAlias, VirtualKeys};
use crate::error::convert as explain;
use crate::error::{Error, ErrorKind};
use crate::write::Present;

/// What became of a key that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreOutcome {
    /// It is stored.
    Stored(KeyChange),
    /// It is not: the settings say that virtual keys are not stored.
    Skipped,
}

/// Where a key is stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyChange {
    /// The path of the request, below `/v1/`.
    pub path: ApiPath,
    /// The version that holds it. The same command again finds it and writes no other.
    pub version: u64,
    /// The path of the name that it had before, which is deleted now.
    pub deleted: Option<ApiPath>,
}

/// From which name to which.
struct Move<'a> {
    from: &'a KeyAlias,
    to: &'a KeyAlias,
    source: SecretPath,
    target: SecretPath,
}

impl VirtualKeys {
    /// Stores a key. Where the same value is stored already, no new version is written, whatever is
    /// beside it. `description` is written beside the value; the settings' one if not given.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] when the access mode forbids it, [`ErrorKind::Conflict`] when another value is
    /// stored or one that cannot be read, when another writer is faster, or when the outcome is
    /// unknown; else why Vault did not store. In each case the same call may be made again.
    pub async fn store(
        &self,
        alias: &KeyAlias,
        value: SecretString,
        description: Option<&str>,
    ) -> Result<StoreOutcome, Error> {
        let path = self.folder.path(alias)?;
        let description = description.or(self.keys.settings().description.as_deref());
        let document = described(&self.folder, value.clone(), description)?;
        if !self.stores() {
            return Ok(StoreOutcome::Skipped);
        }
        let work = self.begin(format!("store the key {alias}"));
        self.keys.may_write(|| work.operation.clone())?;
        let _forget = self.keys.forget(&work.kv, &path);
        let same = Match::Value { field: &self.folder.field, value: value.expose_secret() };
        let landed = work.put(&path, &document, same).await?;
        Ok(self.done(&path, &landed, None))
    }

    /// Gives a key a new value, and a new alias if `to` is given. The old name is deleted after the
    /// new one was read back and compared. A key that is not stored is stored.
    ///
    /// A call that was stopped at any point is completed by the same call.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] when the access mode forbids it, [`ErrorKind::Conflict`] when another key has
    /// the new name; else why Vault did not do it, and what is left to do.
    pub async fn rotate(
        &self,
        current: &KeyAlias,
        to: Option<&KeyAlias>,
        value: SecretString,
    ) -> Result<StoreOutcome, Error> {
        let work = self.begin(format!("rotate the key {current}"));
        let names = self.names(current, to.unwrap_or(current))?;
        let document = derived(&self.folder, value, current);
        self.keys.may_write(|| work.operation.clone())?;
        let _forget = [&names.source, &names.target].map(|path| self.keys.forget(&work.kv, path));
        let target = &names.target;
        let landed = match work.present(&names.source).await? {
            Present::Alive(found) if names.source == *target => {
                work.replace(target, &document, found).await?
            }
            Present::Alive(_) => return self.relocate(&work, &names, &document).await,
            Present::Gone(_) | Present::Never if self.stores() => {
                work.put(target, &document, Match::Document).await?
            }
            // Nothing new is stored; a rotation that was stopped before its end is at its end.
            Present::Gone(_) | Present::Never => match work.present(target).await? {
                Present::Alive(found) if found.fields.same_as(&document) => {
                    StoredDocument { metadata: found.metadata, seen: true }
                }
                _ => return Ok(StoreOutcome::Skipped),
            },
        };
        work.confirm(target, &document, &landed).await?;
        Ok(self.done(target, &landed, None))
    }

    /// Gives a key a new alias, and leaves its value as it is. The old name is deleted after the
    /// new one was read back and compared.
    ///
    /// A call that was stopped at any point is completed by the same call.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such key, [`ErrorKind::Conflict`] when another one has the
    /// new name; else as [`rotate`](Self::rotate).
    pub async fn rename(&self, from: &KeyAlias, to: &KeyAlias) -> Result<StoreOutcome, Error> {
        if from == to {
            let what = format!("rename the key {from}: the new name is the same");
            return Err(Error::new(ErrorKind::Usage, what).with_hint("name another one"));
        }
        let work = self.begin(format!("rename the key {from}"));
        let names = self.names(from, to)?;
        self.keys.may_write(|| work.operation.clone())?;
        let _forget = [&names.source, &names.target].map(|path| self.keys.forget(&work.kv, path));
        let place = self.url(&names.source);
        let Present::Alive(found) = work.present(&names.source).await? else {
            // It may have been renamed by a call whose end nobody heard of.
            return match work.present(&names.target).await? {
                Present::Alive(found) if came_from(&self.folder, &found.fields, from) => {
                    let landed = StoredDocument { metadata: found.metadata, seen: true };
                    Ok(self.done(&names.target, &landed, None))
                }
                _ => Err(missing(&work, &place)),
            };
        };
        let value = found.fields.into_text(&self.folder.field);
        let value =
            value.map_err(|error| explain::field(format!("{}: {place}", work.operation), error))?;
        self.relocate(&work, &names, &derived(&self.folder, value, from)).await
    }

    /// Stores the document under the new name, reads it back, and deletes the old name.
    async fn relocate(
        &self,
        work: &Operation,
        names: &Move<'_>,
        document: &Fields,
    ) -> Result<StoreOutcome, Error> {
        let Move { from, to, source, target } = names;
        let landed = work.put(target, document, Match::Document).await?;
        work.confirm(target, document, &landed).await?;
        work.kv.delete_latest(source).await.map_err(|error| {
            let (place, version) = (self.url(target), landed.metadata.version);
            let operation = format!(
                "{}: {to} is stored ({place} version {version}), {from} is not deleted yet",
                work.operation
            );
            explain::kv(operation, error).with_hint("run the same again: it deletes the old key")
        })?;
        Ok(self.done(target, &landed, Some(source)))
    }

    fn names<'a>(&self, from: &'a KeyAlias, to: &'a KeyAlias) -> Result<Move<'a>, Error> {
        let (source, target) = (self.folder.path(from)?, self.folder.path(to)?);
        Ok(Move { from, to, source, target })
    }

    fn stores(&self) -> bool {
        self.keys.settings().virtual_keys.store
    }

    fn done(
        &self,
        path: &SecretPath,
        landed: &StoredDocument,
        deleted: Option<&SecretPath>,
    ) -> StoreOutcome {
        let (path, version) = (self.url(path), landed.metadata.version);
        StoreOutcome::Stored(KeyChange {
            path,
            version,
            deleted: deleted.map(|path| self.url(path)),
        })
    }
}

fn missing(work: &Operation, place: &ApiPath) -> Error {
    let what = format!("{}: {place}: nothing is stored there", work.operation);
    Error::new(ErrorKind::NotFound, what).with_hint("check the alias and the location")
}
