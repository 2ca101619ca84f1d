//! The rotation of a provider key: what is stored in Vault, and what is left to do.
//!
//! A rotation begins with a [`RotationRecord`] in the custom metadata, stores the new key by
//! check-and-set on the data, and ends when the record is removed. Custom metadata is merged, so
//! that no other entry is lost. This module runs no command and knows no provider: its
//! caller mints, confirms and revokes.

mod key;
mod plan;
mod record;

use std::collections::BTreeMap;

use secrecy::SecretString;
use vault_http::ErrorKind as Http;
use vault_kv::{ErrorKind as Stored, Fields};

use self::plan::{is_outdated, next_step};
use self::record::RECORD_KEY;
use super::write::{Write, WriteOptions, Written};
use crate::access::check_read;
use crate::error::reason::Reason;
use crate::error::{Error, convert};
use crate::key_manager::KeyManager;
use crate::ownership::is_virtual_key;
use crate::route::not_a_provider_secret;

pub use self::key::StoredKey;
pub use self::plan::RotationPlan;
pub use self::record::RotationRecord;

const OVERTAKEN_HINT: &str = "another writer was faster, and its key is the current one";

/// How often the removal of a record is tried again after another change of the metadata.
const MAX_TRIES: u32 = 3;

/// The state of a secret whose provider key is rotated.
#[derive(Debug)]
pub struct Rotation {
    keys: KeyManager,
    name: String,
    options: WriteOptions,
    /// The current key when this was read.
    pub current: StoredKey,
    /// What is to be done.
    pub plan: RotationPlan,
    fields: Fields,
    metadata_version: Option<u64>,
}

impl KeyManager {
    /// Reads the state of a global secret whose provider key is to be rotated. Writes nothing.
    ///
    /// The reads are part of the change, whatever the access mode. With `revokes`, the old key is
    /// passed on to the provider, so that the access mode must allow reads too.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no live version, so that there is nothing to rotate.
    /// - [`ErrorKind::StoredValue`] if the current version has no key.
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it, or for the name of a
    ///   virtual key.
    /// - [`ErrorKind::Usage`] for an invalid name.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::StoredValue`]: crate::ErrorKind::StoredValue
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn rotation(&self, name: &str, revokes: bool) -> Result<Rotation, Error> {
        let operation = format!("rotate {name}");
        let (inner, options) = (self.inner(), WriteOptions::default());
        if is_virtual_key(&inner.settings, name) {
            return Err(not_a_provider_secret(&operation));
        }
        let write = self.begin_write(name, &options)?;
        if revokes {
            check_read(&inner.settings, || format!("{operation}: revoke the old key"))?;
        }
        let metadata = write.kv.metadata(&write.path).await;
        let metadata = metadata.map_err(|error| metadata_error(&operation, error))?;
        let record = RotationRecord::find(&metadata.custom_metadata, &operation)?;
        let secret = write.kv.read(&write.path).await;
        let secret = secret.map_err(|error| current_error(&operation, error))?;
        let current = StoredKey::of(&secret, write.field, &operation)?;
        let plan = plan(&write, &operation, record, &current).await?;
        Ok(Rotation {
            keys: self.clone(),
            name: name.to_owned(),
            options: WriteOptions::default(),
            current,
            plan,
            fields: secret.fields,
            metadata_version: metadata.current_metadata_version,
        })
    }
}

impl Rotation {
    /// Stores the record of a rotation that replaces the current key.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`] if the metadata was changed since it was read, as far as the
    ///   server detects that, or if the outcome is unknown. Nothing but the record was changed.
    /// - [`ErrorKind::Denied`] if a policy forbids it.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if nothing was changed; retry later.
    ///
    /// [`ErrorKind::Conflict`]: crate::ErrorKind::Conflict
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn begin(&self, id: &str) -> Result<(), Error> {
        let record = RotationRecord { id: id.to_owned(), old_version: self.current.version };
        let (operation, write) = (self.operation("begin"), self.write()?);
        let text = record.text();
        let changes = BTreeMap::from([(RECORD_KEY, Some(text.as_str()))]);
        let stored =
            write.kv.patch_custom_metadata(&write.path, &changes, self.metadata_version).await;
        stored.map_err(|error| metadata_error(&operation, error))
    }

    /// Stores the new key over the current version, whose other fields it keeps.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`] if another writer was faster, which
    ///   [`Reason::CasMismatch`](crate::Reason::CasMismatch) shows, or if the outcome is unknown.
    /// - Any other kind if nothing was stored.
    ///
    /// [`ErrorKind::Conflict`]: crate::ErrorKind::Conflict
    pub async fn store(&self, key: SecretString) -> Result<Written, Error> {
        let write = self.write()?;
        let _guard = self.keys.inner().invalidate_on_drop(&write.kv, &write.path);
        let stored = write.replace_value(self.current.version, self.fields.clone(), key).await;
        stored.map_err(|error| match error.reason() {
            Reason::CasMismatch => error.with_hint(OVERTAKEN_HINT),
            _ => error,
        })
    }

    /// Reads the current key again.
    ///
    /// # Errors
    /// Like [`KeyManager::rotation`].
    pub async fn read_current(&self) -> Result<StoredKey, Error> {
        let (operation, write) = (self.operation("read the current key"), self.write()?);
        let secret = write.kv.read(&write.path).await;
        let secret = secret.map_err(|error| convert::kv(operation.as_str(), error))?;
        StoredKey::of(&secret, write.field, &operation)
    }

    /// Removes the record of a rotation that replaced the key of `old_version`, unless it is about
    /// another version by now.
    ///
    /// # Errors
    /// Like [`begin`](Self::begin).
    pub async fn end(&self, old_version: u64) -> Result<(), Error> {
        let (operation, write) = (self.operation("end"), self.write()?);
        let changes = BTreeMap::from([(RECORD_KEY, None)]);
        let mut tries = 0;
        loop {
            let metadata = write.kv.metadata(&write.path).await;
            let metadata = metadata.map_err(|error| metadata_error(&operation, error))?;
            let record = RotationRecord::find(&metadata.custom_metadata, &operation)?;
            if record.is_none_or(|record| record.old_version != old_version) {
                return Ok(());
            }
            tries += 1;
            let cas = metadata.current_metadata_version;
            match write.kv.patch_custom_metadata(&write.path, &changes, cas).await {
                Err(error) if error.kind() == Stored::CasMismatch && tries < MAX_TRIES => {}
                ended => return ended.map_err(|error| metadata_error(&operation, error)),
            }
        }
    }

    /// Returns a write with a deadline of its own, because a rotation takes longer than one
    /// operation.
    fn write(&self) -> Result<Write<'_>, Error> {
        self.keys.begin_write(&self.name, &self.options)
    }

    fn operation(&self, step: &str) -> String {
        format!("rotate {}: {step}", self.name)
    }
}

/// Decides what is to be done. Reads the old key only if there is one to compare.
async fn plan(
    write: &Write<'_>,
    operation: &str,
    record: Option<RotationRecord>,
    current: &StoredKey,
) -> Result<RotationPlan, Error> {
    let old_key = match record.as_ref().filter(|record| is_outdated(record, current)) {
        Some(record) => Some(read_old_key(write, operation, record.old_version).await?),
        None => None,
    };
    Ok(next_step(record, old_key, current))
}

/// Reads the key of a version. The inner error says that the version has no readable key, the outer
/// one that this could not be found out.
async fn read_old_key(
    write: &Write<'_>,
    operation: &str,
    version: u64,
) -> Result<Result<SecretString, Error>, Error> {
    let operation = format!("{operation}: read the key of version {version}");
    match write.kv.read_version(&write.path, version).await {
        Ok(secret) => Ok(StoredKey::of(&secret, write.field, &operation).map(|key| key.value)),
        Err(error) => {
            let gone =
                matches!(error.kind(), Stored::NotFound | Stored::Deleted | Stored::Destroyed);
            let failed = convert::kv(operation, error);
            if gone { Ok(Err(failed)) } else { Err(failed) }
        }
    }
}

fn current_error(operation: &str, error: vault_kv::Error) -> Error {
    let is_missing = matches!(error.kind(), Stored::NotFound | Stored::Deleted | Stored::Destroyed);
    let failed = convert::kv(operation, error);
    if is_missing { failed.with_hint("store the first key with `km write`") } else { failed }
}

fn metadata_error(operation: &str, error: vault_kv::Error) -> Error {
    let kind = error.kind();
    let failed = convert::kv(operation, error);
    match kind {
        Stored::NotFound => failed.with_hint("store the first key with `km write`"),
        Stored::Exchange(Http::Denied) => failed.with_hint(
            "give the token a policy with the capabilities `read` and `patch` on this path",
        ),
        Stored::CasMismatch => failed
            .with_hint("another rotation or a change of the metadata was faster: run it again"),
        Stored::Ambiguous => failed.with_hint("run the command again"),
        _ => failed,
    }
}
