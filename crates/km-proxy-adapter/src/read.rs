//! Reading a name: who is asked, through the cache, and what happens on a miss.

use std::time::Duration;

use secrecy::SecretString;
use tracing::debug;
use vault_http::Deadline;
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
                Kind::Unavailable,
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
            Err(error) => self.behind(name, &Reason::Unread(&error)),
            Ok(lent) => match lent.secret.fields.text(field) {
                Err(error) => self.behind(name, &Reason::Unusable(&error)),
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
            None => cache.cached(name).ok_or(Unread::TimedOut),
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
            Reason::Unread(error) => error.failure().is_some_and(|f| falls_back(policy, f)),
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
            Reason::Unread(error) => error.explain(operation),
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

    fn ready(self) -> Option<Held> {
        self.keys.parts().cache.try_get(name::bare(self.reference))
    }

    fn find(self) -> impl Future<Output = Result<Secret, Error>> + Send + 'a {
        self.keys.find(self.reference)
    }
}
