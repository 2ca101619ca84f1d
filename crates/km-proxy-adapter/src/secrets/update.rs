//! Writes that leave an unchanged value alone, for imports.

use secrecy::{ExposeSecret as _, SecretString};
use vault_kv::Fields;

use super::write::{Write, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::key_manager::KeyManager;
use crate::ownership::is_virtual_key;

/// The difference between a value and what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// The secret does not exist, or its current version is deleted or destroyed.
    New,
    /// The secret has another value, or none.
    Changed,
    /// The secret has this value.
    Unchanged,
}

impl KeyManager {
    /// Verifies that a secret of this name may be written, as far as that is known without a request.
    ///
    /// # Errors
    /// - [`ErrorKind::Usage`] for an invalid name and for that of a virtual key.
    /// - [`ErrorKind::Denied`] if the access mode forbids writes.
    pub fn check_write(&self, name: &str) -> Result<(), Error> {
        if is_virtual_key(&self.inner().settings, name) {
            let what = format!("write {name}: the name of a virtual key");
            return Err(
                Error::new(ErrorKind::Usage, what).with_hint("store it with `km key store`")
            );
        }
        self.begin_write(name, &WriteOptions::default()).map(drop)
    }

    /// Compares a value with that of a global secret. Reads the secret, whatever the access mode.
    ///
    /// # Errors
    /// Like [`write_field`](Self::write_field).
    pub async fn compare(&self, name: &str, value: &SecretString) -> Result<Change, Error> {
        let options = WriteOptions::default();
        let write = self.begin_write(name, &options)?;
        let (_, stored) = write.current().await?;
        Ok(change(&write, &stored, value))
    }

    /// Like [`write_field`](Self::write_field), but writes nothing if the secret has this value.
    /// Returns the change, and the version that has the value now.
    ///
    /// # Errors
    /// Like [`write_field`](Self::write_field).
    pub async fn update_field(
        &self,
        name: &str,
        value: SecretString,
        options: &WriteOptions,
    ) -> Result<(Change, u64), Error> {
        let write = self.begin_write(name, options)?;
        let _guard = self.inner().invalidate_on_drop(&write.kv, &write.path);
        let (version, stored) = write.current().await?;
        let change = change(&write, &stored, &value);
        if change == Change::Unchanged {
            return Ok((change, version));
        }
        Ok((change, write.replace_value(version, stored, value).await?.version))
    }
}

fn change(write: &Write<'_>, stored: &Fields, value: &SecretString) -> Change {
    match stored.text(write.field) {
        Ok(text) if text.expose_secret() == value.expose_secret() => Change::Unchanged,
        _ if stored.iter().next().is_some() => Change::Changed,
        _ => Change::New,
    }
}
