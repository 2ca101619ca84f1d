//! A name that was looked up once: its value without a search, and news of it.

use std::fmt;

use vault_kv::SecretPath;

use crate::error::Error;
use crate::keys::KeyManager;
use crate::load::Loader;
use crate::name;
use crate::route::{Route, route};
use crate::secret::Secret;

/// One name of a [`KeyManager`], resolved once: for a value that is read over and over, and for whoever
/// wants to hear that it was replaced. It keeps the key manager alive.
#[derive(Clone)]
pub struct Handle {
    keys: KeyManager,
    name: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Vault { path: SecretPath, cached: secret_cache::Handle<SecretPath, Loader> },
    Environment,
}

impl KeyManager {
    /// A handle on a provider key, by its name or by a reference `os.environ/NAME`. Nothing is sent.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) when it is no name that could be asked for.
    pub fn handle(&self, reference: &str) -> Result<Handle, Error> {
        let name = name::parse(reference)?;
        let place = match route(&self.parts().settings, name) {
            Route::Environment => Place::Environment,
            Route::Vault => {
                let path = self.path(name)?;
                let cached = self.parts().cache.handle(&path);
                Place::Vault { path, cached }
            }
        };
        Ok(Handle { keys: self.clone(), name: name.to_owned(), place })
    }
}

impl Handle {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, as [`KeyManager::secret`] gives it. From memory it is there at the first poll, and
    /// nothing is allocated.
    ///
    /// # Errors
    /// As [`KeyManager::secret`].
    pub async fn secret(&self) -> Result<Secret, Error> {
        match &self.place {
            Place::Environment => self.keys.the_environments(&self.name),
            Place::Vault { path, cached } => match cached.get().await {
                Ok(lent) => Ok(Secret::lent(lent)),
                Err(error) => self.keys.behind(&self.name, path, &error),
            },
        }
    }

    /// Waits until another value has come from Vault, or Vault has said that there is none any more,
    /// since this handle was made or told so last. While somebody waits the value is kept fresh, so
    /// that a rotated key is heard of within the refresh interval.
    ///
    /// A value of the environment never changes: this waits for ever.
    pub async fn changed(&mut self) {
        match &mut self.place {
            Place::Environment => std::future::pending().await,
            Place::Vault { cached, .. } => cached.changed().await,
        }
    }
}

/// Shows the name, and no value.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("name", &self.name).finish_non_exhaustive()
    }
}
