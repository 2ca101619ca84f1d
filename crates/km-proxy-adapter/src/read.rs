//! Reading a name: who is asked, through the cache, and what happens on a miss.

use std::time::Duration;

use km_settings::VaultOutcome;
use vault_http::Deadline;
use vault_kv::FieldError;

use crate::error::{Error, ErrorKind};
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

/// How much longer than a load's own deadline its readers wait: the load's error says more.
const GRACE: Duration = Duration::from_millis(50);

/// Why the cache has no secret.
pub(crate) enum Unread {
    /// The cache's error.
    Failed(secret_cache::Error<Failure>),
    /// The load didn't end, or begin, by the reader's deadline.
    TimedOut,
}

impl Unread {
    /// The failure of the load, if it had its turn.
    fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(error) => error.load_error(),
            Self::TimedOut => None,
        }
    }

    /// The error of the operation.
    pub(crate) fn explain(&self, operation: String) -> Error {
        match self {
            Self::Failed(error) => explain::cached(operation, error),
            Self::TimedOut => Error::new(
                ErrorKind::Unavailable,
                format!("{operation}: timed out waiting for other reads of Vault"),
            )
            .with_hint("see whether the server is well, or ask for fewer names at once"),
        }
    }
}

/// Why Vault gave no value.
enum Reason<'e> {
    Unread(&'e Unread),
    Unusable(&'e FieldError),
}

impl KeyManager {
    /// The value of a provider key, by its name or by a reference `os.environ/NAME`. From memory it
    /// is there at the first poll, and nothing is allocated.
    ///
    /// Vault is asked through the cache, unless the access mode or the hosted keys exclude the
    /// name. Where Vault has no value, the environment may answer if
    /// [`environment_may_provide`](km_settings::Settings::environment_may_provide) allows it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is none,
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) for the name of a virtual key,
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a name that cannot be asked for; else the reason why
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
            Route::Vault => self.read_vault(&name).await,
            Route::Environment => self.read_environment(name.as_str()),
            Route::VirtualKey => Err(virtual_key(name.as_str())),
        }
    }

    /// The value of a name that Vault is asked for.
    pub(crate) async fn read_vault(&self, name: &Name) -> Result<Secret, Error> {
        let (cache, field) = (&self.parts().cache, &self.parts().settings.location.field);
        let deadline = self.deadline();
        let mut answer = self.cached_by(deadline, name).await;
        if let Ok(lent) = &answer
            && lent.secret.fields.text(field).is_err()
            && lent.age() > UNUSABLE_FOR
        {
            cache.invalidate(name);
            answer = self.cached_by(deadline, name).await;
        }
        match answer {
            Err(error) => self.fall_back(name, &Reason::Unread(&error)),
            Ok(lent) => match lent.secret.fields.text(field) {
                Err(error) => self.fall_back(name, &Reason::Unusable(&error)),
                Ok(_) => Ok(Secret::lent(lent)),
            },
        }
    }

    /// The deadline of a read that begins now.
    fn deadline(&self) -> Deadline {
        Deadline::after(self.parts().settings.server.deadline.saturating_add(GRACE))
    }

    /// The secret of this name through the cache, by one deadline from now on: the load's turn, the
    /// load and everything that it needs.
    pub(crate) async fn cached(&self, name: &Name) -> Result<Held, Unread> {
        self.cached_by(self.deadline(), name).await
    }

    async fn cached_by(&self, deadline: Deadline, name: &Name) -> Result<Held, Unread> {
        let cache = &self.parts().cache;
        match deadline.bound(cache.get(name)).await {
            Some(answer) => answer.map_err(Unread::Failed),
            // A reader may have less time than it takes to find out that Vault is slow.
            None => cache.peek(name).ok_or(Unread::TimedOut),
        }
    }

    /// Forgets what is in memory of a provider key, by its name or by a reference
    /// `os.environ/NAME`: who reads it next waits for Vault, which has to answer.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it is not a valid name.
    pub fn invalidate(&self, reference: &str) -> Result<(), Error> {
        self.parts().cache.invalidate(&self.named(name::parse(reference)?)?);
        Ok(())
    }

    /// The value of a name that Vault is not asked for.
    pub(crate) fn read_environment(&self, name: &str) -> Result<Secret, Error> {
        let environment = &self.parts().environment;
        let found = environment.get(name, VaultOutcome::NotQueried)?;
        found.ok_or_else(|| environment.not_found(name))
    }

    /// The environment's value where Vault has none, if the settings let it answer.
    fn fall_back(&self, name: &Name, reason: &Reason<'_>) -> Result<Secret, Error> {
        let parts = self.parts();
        let vault = match reason {
            // A full cache or an outdated value says nothing about the name.
            Reason::Unread(error) => error.failure().map(outcome),
            Reason::Unusable(_) => Some(VaultOutcome::Failed),
        };
        if let Some(vault) = vault
            && let Some(value) = parts.environment.get(name.as_str(), vault)?
        {
            return Ok(value);
        }
        let operation = format!("read {}", name.as_str());
        Err(match reason {
            Reason::Unread(error) => error.explain(operation),
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
        self.keys
            .parts()
            .cache
            .get_if_fresh(name::bare(self.reference), |value| value.is_provider_key)
    }

    fn ready(self) -> Option<Held> {
        self.keys.parts().cache.try_get(name::bare(self.reference))
    }

    fn find(self) -> impl Future<Output = Result<Secret, Error>> + Send + 'a {
        self.keys.find(self.reference)
    }
}
