//! Reading a name: who is asked, through the cache, and what happens on a miss.

use std::time::Duration;

use secrecy::SecretString;
use tracing::debug;
use vault_kv::FieldError;

use crate::error::{Error, Kind};
use crate::explain;
use crate::keys::KeyManager;
use crate::load::Failure;
use crate::name::{self, Name};
use crate::reading::{Held, Reading, Source};
use crate::route::{Route, falls_back, falls_back_from_unusable, route};
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
    /// Vault is asked through the cache, unless the access mode or the hosted keys send the name to
    /// the environment. What Vault does not have, the environment may, as the fallback policy says.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when nobody has it, [`Kind::Usage`] when it is no name; else the reason
    /// why Vault could not, or would not, tell.
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
            Route::Environment => self.the_environments(name.as_str()),
            Route::Vault => self.vaults(&name).await,
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
            Err(error) => self.behind(name, &Reason::Unread(&error)),
            Ok(lent) => match lent.secret.fields.text(field) {
                Err(error) => self.behind(name, &Reason::Unusable(&error)),
                Ok(_) => Ok(Secret::lent(lent)),
            },
        }
    }

    /// Forgets what is in memory of a provider key, by its name or by a reference
    /// `os.environ/NAME`: who reads it next waits for Vault, which has to answer.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is no name that could be asked for.
    pub fn invalidate(&self, reference: &str) -> Result<(), Error> {
        self.parts().cache.invalidate(&self.named(name::parse(reference)?)?);
        Ok(())
    }

    /// The value of a name that Vault is not asked for.
    pub(crate) fn the_environments(&self, name: &str) -> Result<Secret, Error> {
        self.environment(name)?.ok_or_else(|| {
            Error::new(Kind::NotFound, format!("read {name}: the environment has no such variable"))
                .with_hint("these settings don't ask Vault for it: see access_mode and hosted_keys")
        })
    }

    /// What there is where Vault has no value: the environment's, if the policy lets it answer.
    fn behind(&self, name: &Name, reason: &Reason<'_>) -> Result<Secret, Error> {
        let parts = self.parts();
        let policy = parts.settings.fallback;
        let falls_back = match reason {
            Reason::Unread(error) => error.load_error().is_some_and(|f| falls_back(policy, f)),
            Reason::Unusable(_) => falls_back_from_unusable(policy),
        };
        if falls_back {
            debug!(name = name.as_str(), "asking the environment");
            if let Some(value) = self.environment(name.as_str())? {
                return Ok(value);
            }
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

    fn environment(&self, name: &str) -> Result<Option<Secret>, Error> {
        let Some(value) = self.parts().env.var(name) else {
            return Ok(None);
        };
        let value = value.into_string().map_err(|_| {
            Error::new(
                Kind::StoredValue,
                format!("read {name}: the environment's value is not UTF-8"),
            )
            .with_hint("set the variable to text")
        })?;
        Ok(Some(Secret::environment(SecretString::from(value))))
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
