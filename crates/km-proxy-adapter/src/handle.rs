//! A name that was looked up once: its value without a search, and news of it.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::inner::Inner;
use crate::name::{self, Name};
use crate::read::load::Loader;
use crate::read::secret::Secret;
use crate::reading::{Held, Reading, Source};
use crate::route::{Route, route, virtual_key_denied};

/// One name of a [`KeyManager`](crate::KeyManager), resolved once: for a value that is read over and over, and for whoever
/// wants to hear that it was replaced. It keeps the key manager alive.
#[derive(Clone)]
pub struct Handle {
    keys: Arc<Inner>,
    name: Name,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Vault(secret_cache::Handle<Name, Loader>),
    Environment,
}

impl Inner {
    /// A handle on a provider key, by its name or by a reference `os.environ/NAME`. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it is not a valid name,
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) for the name of a virtual key.
    pub(crate) fn handle(self: &Arc<Self>, reference: &str) -> Result<Handle, Error> {
        let name = self.resolve(name::parse(reference)?)?;
        let place = match route(&self.settings, name.as_str()) {
            Route::VirtualKey => return Err(virtual_key_denied(name.as_str())),
            Route::Environment => Place::Environment,
            Route::Vault => Place::Vault(self.cache.handle(&name)),
        };
        Ok(Handle { keys: Arc::clone(self), name, place })
    }
}

impl Handle {
    /// The name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The value, as [`KeyManager::secret`](crate::KeyManager::secret) gives it. From memory it is there at the first poll, and
    /// nothing is allocated.
    ///
    /// # Errors
    /// As [`KeyManager::secret`](crate::KeyManager::secret).
    #[inline(always)]
    pub fn secret(&self) -> impl Future<Output = Result<Secret, Error>> + Send + Unpin + use<'_> {
        Reading::new(self)
    }

    /// Waits until another value has come from Vault, or Vault has said that there is none any more,
    /// since this handle was made or told so last. While somebody waits the value is kept fresh, so
    /// that a rotated key is heard of within the refresh interval.
    ///
    /// A value of the environment never changes: this waits for ever.
    pub async fn changed(&mut self) {
        match &mut self.place {
            Place::Environment => std::future::pending().await,
            Place::Vault(cached) => cached.changed().await,
        }
    }
}

impl<'a> Source<'a> for &'a Handle {
    #[inline(always)]
    fn fresh(self) -> Option<Held> {
        match &self.place {
            Place::Vault(cached) => cached.get_if_fresh(|value| value.is_provider_key),
            Place::Environment => None,
        }
    }

    fn ready(self) -> Option<Held> {
        match &self.place {
            Place::Vault(cached) => cached.try_get(),
            Place::Environment => None,
        }
    }

    async fn find(self) -> Result<Secret, Error> {
        match &self.place {
            Place::Environment => self.keys.read_environment(self.name()),
            Place::Vault(_) => self.keys.read_vault(&self.name).await,
        }
    }
}

/// Shows the name, and no value.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("name", &self.name()).finish_non_exhaustive()
    }
}
