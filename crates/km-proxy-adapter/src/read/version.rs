//! Reads of a given version or field, from Vault alone: a value of the environment has neither.

use std::sync::Arc;
use std::time::Duration;

use super::secret::{FieldValue, Secret, Source};
use crate::access::check_read;
use crate::error::reason::Reason;
use crate::error::{Error, ErrorKind, convert};
use crate::history::NO_VERSION_HINT;
use crate::inner::Inner;
use crate::name::{self, Name};
use crate::route::{Route, route, virtual_key_denied};

/// Options of [`KeyManager::secret_with`](crate::KeyManager::secret_with).
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The field to return. Default: that of the settings.
    pub field: Option<String>,
    /// The number of the version to read, starting at 1. Default: the latest version.
    pub version: Option<u64>,
}

/// One version of a secret, the source of it, and the time since it was read.
type Read = (Arc<vault_kv::Secret>, Source, Duration);

impl Inner {
    /// Implements [`KeyManager::secret_with`](crate::KeyManager::secret_with).
    pub(crate) async fn secret_with(
        &self,
        reference: &str,
        options: &ReadOptions,
    ) -> Result<Secret, Error> {
        let default = &self.settings.location.field;
        let field = options.field.as_ref().unwrap_or(default);
        if options.version.is_none() && field == default {
            return self.secret(reference).await;
        }
        let name = self.resolve(name::parse(reference)?)?;
        self.check_vault_route(name.as_str())?;
        let (secret, source, age) = match options.version {
            Some(version) => self.version(&name, version).await?,
            None => self.latest(&name).await?,
        };
        let value = secret.fields.text(field).cloned().map_err(|error| {
            let url = self.kv.mount().data(name.path());
            let version = secret.metadata.version;
            convert::field(format!("read {}: {url} version {version}", name.as_str()), error)
        })?;
        let metadata = secret.metadata.clone();
        Ok(Secret::from(FieldValue { value, metadata, source, age }))
    }

    /// Checks that the name is looked up in Vault.
    fn check_vault_route(&self, name: &str) -> Result<(), Error> {
        match route(&self.settings, name) {
            Route::Vault => Ok(()),
            Route::VirtualKey => Err(virtual_key_denied(name)),
            Route::Environment => {
                check_read(&self.settings, || format!("read {name}"))?;
                let what = format!("read {name}: permission denied: not in hosted_keys");
                Err(Error::new(ErrorKind::Denied, what).with_hint("add the name to hosted_keys"))
            }
        }
    }

    /// Reads the latest version through the cache.
    async fn latest(&self, name: &Name) -> Result<Read, Error> {
        let cached = self.cached(name).await;
        let cached = cached.map_err(|error| error.to_error(format!("read {}", name.as_str())))?;
        Ok((Arc::clone(&cached.secret), Source::of_cached(&cached), cached.age()))
    }

    /// Reads one version from Vault.
    async fn version(&self, name: &Name, version: u64) -> Result<Read, Error> {
        let operation = format!("read {} version {version}", name.as_str());
        check_version(&operation, version)?;
        let secret = self.kv_with_deadline().read_version(name.path(), version).await;
        let secret = secret.map_err(|error| version_error(convert::kv(operation, error)))?;
        Ok((Arc::new(secret), Source::Vault, Duration::ZERO))
    }
}

/// Checks the number of a version, because Vault returns the latest version as version 0.
///
/// # Errors
/// [`ErrorKind::Usage`] if it is 0.
pub(crate) fn check_version(operation: &str, version: u64) -> Result<(), Error> {
    if version > 0 {
        return Ok(());
    }
    let what = format!("{operation}: the numbers of versions start at 1");
    Err(Error::new(ErrorKind::Usage, what).with_hint("omit the version to read the latest one"))
}

/// Adds the hint to the error of a read that found no such version.
pub(crate) fn version_error(error: Error) -> Error {
    if error.reason() == Reason::Missing { error.with_hint(NO_VERSION_HINT) } else { error }
}
