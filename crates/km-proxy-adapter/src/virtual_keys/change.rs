//! Changes of keys: store, rotate and rename.
//!
//! The value of a key is always stored under one of its names, so that a change that stops at any
//! point loses none. The steps are in [`steps`](super::steps).

use secrecy::{ExposeSecret as _, SecretString};
use vault_http::ApiPath;
use vault_kv::{Fields, SecretPath};

use super::VirtualKeys;
use super::alias::KeyAlias;
use super::document::{has_origin, with_description, with_origin};
use super::steps::{Match, Operation, StoredDocument};
use crate::access::check_write;
use crate::error::{Error, ErrorKind, convert};
use crate::stored::StoredState;

/// The outcome of storing a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreOutcome {
    /// The key is stored.
    Stored(KeyChange),
    /// Nothing was stored, because the settings say not to store virtual keys.
    Skipped,
}

/// The place of a key after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyChange {
    /// The path of the request, below `/v1/`.
    pub path: ApiPath,
    /// The version that has the value. Repeating the change writes no other version.
    pub version: u64,
    /// The path of the key's former name, which is now deleted.
    pub deleted: Option<ApiPath>,
}

/// The names and paths of a key before and after a change.
struct Move<'a> {
    from: &'a KeyAlias,
    to: &'a KeyAlias,
    source: SecretPath,
    target: SecretPath,
}

impl VirtualKeys {
    /// Stores a key. If the same value is stored already, no version is written, whatever the
    /// other fields are.
    ///
    /// `description` is stored beside the value. Default: the description of the settings.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it, or for a path among the
    ///   provider secrets.
    /// - [`ErrorKind::Conflict`] if another value or an unreadable one is stored, if another writer
    ///   was faster, or if the outcome is unknown.
    /// - [`ErrorKind::Usage`] for an alias that could be another location's key, or for a
    ///   description that would replace the key.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if nothing was stored.
    ///
    /// The same call can be repeated after any error.
    pub async fn store(
        &self,
        alias: &KeyAlias,
        value: SecretString,
        description: Option<&str>,
    ) -> Result<StoreOutcome, Error> {
        let path = self.folder.path(alias)?;
        let description = description.or(self.inner.settings.description.as_deref());
        let document = with_description(&self.folder, value.clone(), description)?;
        if !self.stores() {
            return Ok(StoreOutcome::Skipped);
        }
        let operation = self.begin(format!("store the key {alias}"));
        check_write(&self.inner.settings, || operation.name.clone())?;
        let _guard = self.inner.invalidate_on_drop(&operation.kv, &path);
        let rule = Match::Value { field: &self.folder.field, value: value.expose_secret() };
        let stored = operation.put(&path, &document, rule).await?;
        Ok(self.outcome(&path, &stored, None))
    }

    /// Gives a key a new value, and a new alias if `to` is given. A key that is not stored yet is
    /// stored.
    ///
    /// The old name is deleted only after the new one was read back and compared. If a call stops
    /// at any point, the same call completes it.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it, or for a path among the
    ///   provider secrets.
    /// - [`ErrorKind::Conflict`] if another key has the new name, if another writer was faster, or
    ///   if the outcome is unknown.
    /// - [`ErrorKind::Usage`] for an alias that could be another location's key.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be used now.
    ///
    /// If a part was done, the message says what is left. Repeat the same call to complete it.
    pub async fn rotate(
        &self,
        current: &KeyAlias,
        to: Option<&KeyAlias>,
        value: SecretString,
    ) -> Result<StoreOutcome, Error> {
        let operation = self.begin(format!("rotate the key {current}"));
        let names = self.names(current, to.unwrap_or(current))?;
        let document = with_origin(&self.folder, value, current);
        check_write(&self.inner.settings, || operation.name.clone())?;
        let _guards = [&names.source, &names.target]
            .map(|path| self.inner.invalidate_on_drop(&operation.kv, path));
        let target = &names.target;
        let stored = match operation.state(&names.source).await? {
            StoredState::Live(found) if names.source == *target => {
                operation.replace(target, &document, found).await?
            }
            StoredState::Live(_) => return self.relocate(&operation, &names, &document).await,
            StoredState::Gone(_) | StoredState::Never if self.stores() => {
                operation.put(target, &document, Match::Document).await?
            }
            // The settings say not to store new keys. A rotation that stopped after the deletion
            // of the old name is complete.
            StoredState::Gone(_) | StoredState::Never => match operation.state(target).await? {
                StoredState::Live(found) if found.fields.same_as(&document) => {
                    StoredDocument { metadata: found.metadata, confirmed: true }
                }
                _ => return Ok(StoreOutcome::Skipped),
            },
        };
        operation.confirm(target, &document, &stored).await?;
        Ok(self.outcome(target, &stored, None))
    }

    /// Gives a key a new alias and keeps its value.
    ///
    /// The old name is deleted only after the new one was read back and compared. If a call stops
    /// at any point, the same call completes it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such key, [`ErrorKind::StoredValue`] if its field is
    /// missing or not a string, [`ErrorKind::Usage`] if both names are the same; else as
    /// [`rotate`](Self::rotate).
    pub async fn rename(&self, from: &KeyAlias, to: &KeyAlias) -> Result<StoreOutcome, Error> {
        if from == to {
            let what = format!("rename the key {from}: both names are the same");
            return Err(Error::new(ErrorKind::Usage, what).with_hint("use another new name"));
        }
        let operation = self.begin(format!("rename the key {from}"));
        let names = self.names(from, to)?;
        check_write(&self.inner.settings, || operation.name.clone())?;
        let _guards = [&names.source, &names.target]
            .map(|path| self.inner.invalidate_on_drop(&operation.kv, path));
        let url = self.url(&names.source);
        let StoredState::Live(found) = operation.state(&names.source).await? else {
            // An earlier call may have renamed it without its caller learning the outcome.
            return match operation.state(&names.target).await? {
                StoredState::Live(found) if has_origin(&self.folder, &found.fields, from) => {
                    let stored = StoredDocument { metadata: found.metadata, confirmed: true };
                    Ok(self.outcome(&names.target, &stored, None))
                }
                _ => Err(not_found(&operation, &url)),
            };
        };
        let value = found.fields.into_text(&self.folder.field);
        let value =
            value.map_err(|error| convert::field(format!("{}: {url}", operation.name), error))?;
        self.relocate(&operation, &names, &with_origin(&self.folder, value, from)).await
    }

    /// Stores the document under the new name, reads it back, and deletes the old name.
    async fn relocate(
        &self,
        operation: &Operation,
        names: &Move<'_>,
        document: &Fields,
    ) -> Result<StoreOutcome, Error> {
        let Move { from, to, source, target } = names;
        let stored = operation.put(target, document, Match::Document).await?;
        operation.confirm(target, document, &stored).await?;
        operation.kv.delete_latest(source).await.map_err(|error| {
            let (url, version) = (self.url(target), stored.metadata.version);
            let what = format!(
                "{}: {to} is stored ({url} version {version}), {from} is not deleted yet",
                operation.name
            );
            convert::kv(what, error).with_hint("run the same command again to delete the old key")
        })?;
        Ok(self.outcome(target, &stored, Some(source)))
    }

    fn names<'a>(&self, from: &'a KeyAlias, to: &'a KeyAlias) -> Result<Move<'a>, Error> {
        let (source, target) = (self.folder.path(from)?, self.folder.path(to)?);
        Ok(Move { from, to, source, target })
    }

    /// Returns whether the settings say to store virtual keys.
    fn stores(&self) -> bool {
        self.inner.settings.virtual_keys.store
    }

    fn outcome(
        &self,
        path: &SecretPath,
        stored: &StoredDocument,
        deleted: Option<&SecretPath>,
    ) -> StoreOutcome {
        let (path, version) = (self.url(path), stored.metadata.version);
        let deleted = deleted.map(|path| self.url(path));
        StoreOutcome::Stored(KeyChange { path, version, deleted })
    }
}

fn not_found(operation: &Operation, url: &ApiPath) -> Error {
    let what = format!("{}: {url}: not found", operation.name);
    Error::new(ErrorKind::NotFound, what).with_hint("check the alias and the location")
}
