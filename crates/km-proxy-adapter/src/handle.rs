//! A name that was looked up once: its value without a search, and news of it.

use std::fmt;

use crate::error::Error;
use crate::keys::KeyManager;
use crate::load::Loader;
use crate::name::{self, Name};
use crate::route::{Route, route, virtual_key};
use crate::secret::Secret;

/// One name of a [`KeyManager`], resolved once: for a value that is read over and over, and for whoever
/// wants to hear that it was replaced. It keeps the key manager alive.
#[derive(Clone)]
pub struct Handle {
    keys: KeyManager,
    name: Name,
    is_in_vault: bool,
    /// Never loaded, and so always empty, if the name is not in Vault.
    cached: secret_cache::Handle<Name, Loader>,
}

impl KeyManager {
    /// A handle on a provider key, by its name or by a reference `os.environ/NAME`. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it is not a valid name,
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) for the name of a virtual key.
    pub fn handle(&self, reference: &str) -> Result<Handle, Error> {
        let name = self.named(name::parse(reference)?)?;
        let is_in_vault = match route(&self.parts().settings, name.as_str()) {
            Route::VirtualKey => return Err(virtual_key(name.as_str())),
            Route::Environment => false,
            Route::Vault => true,
        };
        let cached = self.parts().cache.handle(&name);
        Ok(Handle { keys: self.clone(), name, is_in_vault, cached })
    }
}

impl Handle {
    /// The name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The value, as [`KeyManager::secret`] gives it. From memory it is there at the first poll, and
    /// nothing is allocated.
    ///
    /// # Errors
    /// As [`KeyManager::secret`].
    #[inline(always)]
    pub fn secret(&self) -> impl Future<Output = Result<Secret, Error>> + Send + Unpin + use<'_> {
        self.cached.get_or_else(
            |value| value.is_provider_key,
            move |rejected| async move {
                if self.is_in_vault {
                    self.keys.read_vault(&self.name, rejected).await
                } else {
                    self.keys.read_environment(self.name())
                }
            },
        )
    }

    /// Waits until another value has come from Vault, or Vault has said that there is none any more,
    /// since this handle was made or told so last. While somebody waits the value is kept fresh, so
    /// that a rotated key is heard of within the refresh interval.
    ///
    /// A value of the environment never changes: this waits for ever.
    pub async fn changed(&mut self) {
        if self.is_in_vault {
            self.cached.changed().await;
        } else {
            std::future::pending::<()>().await;
        }
    }
}

/// Shows the name, and no value.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("name", &self.name()).finish_non_exhaustive()
    }
}
