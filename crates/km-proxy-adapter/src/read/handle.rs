//! A handle on one name: reads without a look-up, and notification of changes.

use std::fmt;
use std::sync::Arc;

use super::ReadError;
use super::load::Loader;
use super::refresh::{Refresh, RefreshOutcome};
use super::secret::Secret;
use crate::error::Error;
use crate::inner::Inner;
use crate::name::{self, Name};
use crate::route::{Route, route, virtual_key_denied};

/// A name of a [`KeyManager`](crate::KeyManager) that was resolved once, for repeated reads and for
/// tasks that wait for a change. It keeps the key manager alive.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
    name: Name,
    is_in_vault: bool,
    /// Never loaded, and so always empty, if the name is not in Vault.
    cached: secret_cache::Handle<Name, Loader>,
}

impl Handle {
    pub(crate) fn new(inner: Arc<Inner>, reference: &str) -> Result<Self, Error> {
        let name = inner.resolve(name::parse(reference)?)?;
        let is_in_vault = match route(&inner.settings, name.as_str()) {
            Route::VirtualKey => return Err(virtual_key_denied(name.as_str())),
            Route::Environment => false,
            Route::Vault => true,
        };
        let cached = inner.cache.handle(&name);
        Ok(Self { inner, name, is_in_vault, cached })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the value, like [`KeyManager::secret`](crate::KeyManager::secret) but without a
    /// look-up.
    ///
    /// # Errors
    /// As [`KeyManager::secret`](crate::KeyManager::secret).
    #[inline(always)]
    pub fn secret(&self) -> impl Future<Output = Result<Secret, Error>> + Send + Unpin + use<'_> {
        self.cached.get_or_else(
            |value| value.is_provider_key,
            move |rejected| async move {
                if self.is_in_vault {
                    self.inner.read_vault(&self.name, rejected).await
                } else {
                    self.inner.read_env(self.name())
                }
            },
        )
    }

    /// Refreshes the value, like [`KeyManager::refresh`](crate::KeyManager::refresh).
    pub async fn refresh(&self, refresh: Refresh) -> RefreshOutcome {
        if self.is_in_vault {
            return self.inner.refresh(&self.name, refresh, self.inner.read_deadline()).await;
        }
        let error = self.inner.read_env(self.name()).err();
        RefreshOutcome::without_versions(self.name().to_owned(), error)
    }

    /// Waits for a change since the handle was created or this method last returned, and returns
    /// the new value: another version was read from Vault, or Vault reported that there is none.
    ///
    /// While a task waits, Vault is read once per `KM_POLL_INTERVAL`, or once per refresh interval
    /// if that is shorter, if polling is disabled, or if the token has a limited number of uses. A
    /// value of the environment never changes, so this method then never returns.
    ///
    /// Cancel-safe: a change during a cancelled call is reported by the next one.
    ///
    /// # Errors
    /// As [`secret`](Self::secret), if there is no value any longer. A change is reported once, as
    /// a value or as an error.
    pub async fn changed(&mut self) -> Result<Secret, Error> {
        if !self.is_in_vault {
            return std::future::pending().await;
        }
        let value = self.cached.changed().await.map_err(ReadError::Cache);
        self.inner.value_of(&self.name, value)
    }
}

/// Shows the name only.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("name", &self.name()).finish_non_exhaustive()
    }
}
