//! Reading a name: who is asked, through the cache, and what happens on a miss.

use std::time::Duration;

use km_settings::VaultOutcome;
use vault_kv::FieldError;

use crate::error::Error;
use crate::explain;
use crate::keys::KeyManager;
use crate::load::Failure;
use crate::name::{self, Name};
use crate::reading::{Held, Reading, Source};
use crate::route::{Route, outcome, route, virtual_key};
use crate::secret::Secret;

/// A secret that gives no value is looked at again after this: whoever mends it doesn't wait for the
/// refresh interval.
const UNUSABLE_FOR: Duration = Duration::from_secs(5);

/// Why Vault gave no value.
enum Reason<'e> {
    Unread(&'e secret_cache::Error<Failure>),
    Unusable(&'e FieldError),
}

impl KeyManager {
    /// The value of a provider key, by its name or by a reference `os.environ/NAME`. From memory it
    /// is there at the first poll, and nothing is allocated.
    ///
    /// Vault is asked through the cache, unless the access mode or the hosted keys exclude the
    /// name. Where Vault has no value, the environment may answer if
    /// [`environment_may_answer`](km_settings::Settings::environment_may_answer) allows it.
    ///
    /// # Errors
    /// [`Kind::NotFound`](crate::Kind::NotFound) where there is none,
    /// [`Kind::Denied`](crate::Kind::Denied) for the name of a virtual key,
    /// [`Kind::Usage`](crate::Kind::Usage) for a name that cannot be asked for; else the reason why
    /// Vault returned no value.
    #[inline(always)]
    pub fn secret<'a>(
        &'a self,
        reference: &'a str,
    ) -> impl Future<Output = Result<Secret, Error>> + Send + Unpin + use<'a> {
        Reading::new(ByName { keys: self, reference })
    }

    async fn find(&self, reference: &str) -> Result<Secret, Error> {
        let name = self.named(name::parse(reference)?)?;
        match route(&self.parts().settings, name.as_str()) {
            Route::Vault => self.vaults(&name).await,
            Route::Environment => self.read_environment(name.as_str()),
            Route::VirtualKey => Err(virtual_key(name.as_str())),
        }
    }

    /// The value of a name that Vault is asked for.
    pub(crate) async fn vaults(&self, name: &Name) -> Result<Secret, Error> {
        let (cache, field) = (&self.parts().cache, &self.parts().settings.location.field);
        let mut answer = cache.get(name).await;
        if let Ok(lent) = &answer
            && lent.secret.fields.text(field).is_err()
            && lent.age() > UNUSABLE_FOR
        {
            cache.invalidate(name);
            answer = cache.get(name).await;
        }
        match answer {
            Err(error) => self.fall_back(name, &Reason::Unread(&error)),
            Ok(lent) => match lent.secret.fields.text(field) {
                Err(error) => self.fall_back(name, &Reason::Unusable(&error)),
                Ok(_) => Ok(Secret::lent(lent)),
            },
        }
    }

    /// Forgets what is in memory of a provider key, by its name or by a reference
    /// `os.environ/NAME`: who reads it next waits for Vault, which has to answer.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) when it is no name that could be asked for.
    pub fn invalidate(&self, reference: &str) -> Result<(), Error> {
        self.parts().cache.invalidate(&self.named(name::parse(reference)?)?);
        Ok(())
    }

    /// The value of a name that Vault is not asked for.
    pub(crate) fn read_environment(&self, name: &str) -> Result<Secret, Error> {
        let environment = &self.parts().environment;
        let found = environment.get(name, VaultOutcome::NotAsked)?;
        found.ok_or_else(|| environment.not_found(name))
    }

    /// The environment's value where Vault has none, if the settings let it answer.
    fn fall_back(&self, name: &Name, reason: &Reason<'_>) -> Result<Secret, Error> {
        let parts = self.parts();
        let vault = match reason {
            // A full cache or an outdated value says nothing about the name.
            Reason::Unread(error) => error.load_error().map(outcome),
            Reason::Unusable(_) => Some(VaultOutcome::Failed),
        };
        if let Some(vault) = vault
            && let Some(value) = parts.environment.get(name.as_str(), vault)?
        {
            return Ok(value);
        }
        let operation = format!("read {}", name.as_str());
        Err(match reason {
            Reason::Unread(error) => explain::cached(operation, error),
            Reason::Unusable(error) => {
                let place = parts.kv.mount().data(name.path());
                explain::field(format!("{operation}: {place}"), FieldError::clone(error))
            }
        })
    }
}

/// A reader who names a key.
#[derive(Clone, Copy)]
struct ByName<'a> {
    keys: &'a KeyManager,
    reference: &'a str,
}

impl<'a> Source<'a> for ByName<'a> {
    #[inline(always)]
    fn fresh(self) -> Option<Held> {
        self.keys.parts().cache.fresh(name::bare(self.reference), |value| value.is_provider_key)
    }

    fn cached(self) -> Option<Held> {
        self.keys.parts().cache.cached(name::bare(self.reference))
    }

    fn find(self) -> impl Future<Output = Result<Secret, Error>> + Send + 'a {
        self.keys.find(self.reference)
    }
}
