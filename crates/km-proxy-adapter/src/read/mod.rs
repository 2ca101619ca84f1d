//! Reads of provider keys through the cache, and the fallback to the environment.
//!
//! A hit is one look-up in the cache. Everything else is one path: it validates the name, selects
//! the source, loads, and falls back.

pub(crate) mod environment;
pub(crate) mod handle;
pub(crate) mod load;
pub(crate) mod load_error;
pub(crate) mod preload;
pub(crate) mod refresh;
pub(crate) mod secret;
pub(crate) mod version;

use std::time::Duration;

use km_settings::VaultOutcome;
use secret_cache::Ref;
use vault_http::Deadline;
use vault_kv::FieldError;

use self::load::CachedSecret;
use self::load_error::LoadFailure;
use self::secret::Secret;
use crate::error::{Error, ErrorKind, convert};
use crate::inner::Inner;
use crate::name::{self, Name};
use crate::route::{Route, outcome, route, virtual_key_denied};

/// The age after which a cached secret without a usable value is read again, so that a fix takes
/// effect before the refresh interval ends.
const UNUSABLE_TTL: Duration = Duration::from_secs(5);

/// How much longer than the deadline of a load its callers wait, because the error of the load says
/// more than their own timeout.
const GRACE: Duration = Duration::from_millis(50);

/// The error of a read through the cache.
pub(crate) enum ReadError {
    /// The cache returned an error.
    Cache(secret_cache::Error<LoadFailure>),
    /// The load did not start or complete by the caller's deadline.
    TimedOut,
}

/// A value of the cache.
pub(crate) type Cached = Ref<Name, CachedSecret>;

/// Where the value of a name is.
enum Located {
    Vault(Name),
    Environment(Secret),
}

/// The reason why Vault provided no value.
enum NoValue<'e> {
    /// The read failed.
    Failed(&'e ReadError),
    /// The field is missing or not a string.
    Unusable(&'e FieldError),
}

impl ReadError {
    /// Returns the failure of the load, if it was executed.
    fn load_failure(&self) -> Option<&LoadFailure> {
        match self {
            Self::Cache(error) => error.load_error(),
            Self::TimedOut => None,
        }
    }

    /// Returns the error of the operation.
    pub(crate) fn to_error(&self, operation: String) -> Error {
        match self {
            Self::Cache(error) => convert::cached(operation, error),
            Self::TimedOut => {
                let what = format!("{operation}: timed out waiting for other reads of Vault");
                Error::new(ErrorKind::Unavailable, what)
                    .with_hint("check the health of the server, or read fewer names at once")
            }
        }
    }
}

impl Inner {
    /// Implements [`KeyManager::secret`](crate::KeyManager::secret).
    #[inline(always)]
    pub(crate) fn secret<'a>(
        &'a self,
        reference: &'a str,
    ) -> impl Future<Output = Result<Secret, Error>> + Send + Unpin + use<'a> {
        self.cache.get_or_else(
            name::strip_reference(reference),
            |value| value.is_provider_key,
            move |rejected| self.read(reference, rejected),
        )
    }

    /// Reads a name for which the cache has no provider key; `rejected` is the value that it has.
    async fn read(&self, reference: &str, rejected: Option<Cached>) -> Result<Secret, Error> {
        match self.located(reference)? {
            Located::Vault(name) => self.read_vault(&name, rejected).await,
            Located::Environment(secret) => Ok(secret),
        }
    }

    /// Finds the source of a name, and reads it if that is the environment.
    fn located(&self, reference: &str) -> Result<Located, Error> {
        let name = self.resolve(name::parse(reference)?)?;
        match route(&self.settings, name.as_str()) {
            Route::Vault => Ok(Located::Vault(name)),
            Route::Environment => self.read_env(name.as_str()).map(Located::Environment),
            Route::VirtualKey => Err(virtual_key_denied(name.as_str())),
        }
    }

    /// Reads a name from Vault; `cached` is the value that the cache has.
    async fn read_vault(&self, name: &Name, cached: Option<Cached>) -> Result<Secret, Error> {
        let field = &self.settings.location.field;
        let deadline = self.read_deadline();
        let mut result = match cached {
            Some(value) => Ok(value),
            None => self.by_deadline(deadline, name, self.cache.load(name)).await,
        };
        if let Ok(value) = &result
            && value.secret.fields.text(field).is_err()
            && value.age() > UNUSABLE_TTL
        {
            self.cache.invalidate(name);
            result = self.by_deadline(deadline, name, self.cache.load(name)).await;
        }
        self.value_of(name, result)
    }

    /// Returns the value of a secret, or else what the environment provides.
    pub(crate) fn value_of(
        &self,
        name: &Name,
        result: Result<Cached, ReadError>,
    ) -> Result<Secret, Error> {
        match result {
            Err(error) => self.fall_back(name, &NoValue::Failed(&error)),
            Ok(value) => match value.secret.fields.text(&self.settings.location.field) {
                Err(error) => self.fall_back(name, &NoValue::Unusable(&error)),
                Ok(_) => Ok(Secret::from(value)),
            },
        }
    }

    /// Reads a secret through the cache, by one deadline for the wait and for the load.
    pub(crate) async fn cached(&self, name: &Name) -> Result<Cached, ReadError> {
        self.by_deadline(self.read_deadline(), name, self.cache.get(name)).await
    }

    /// Returns the deadline of a read that starts now.
    pub(crate) fn read_deadline(&self) -> Deadline {
        Deadline::after(self.settings.server.deadline.saturating_add(GRACE))
    }

    async fn by_deadline(
        &self,
        deadline: Deadline,
        name: &Name,
        read: impl Future<Output = Result<Cached, secret_cache::Error<LoadFailure>>>,
    ) -> Result<Cached, ReadError> {
        match deadline.bound(read).await {
            Some(result) => result.map_err(ReadError::Cache),
            // The deadline may be shorter than the time after which the cache returns a stale
            // value instead of waiting for a slow load.
            None => self.cache.peek(name).ok_or(ReadError::TimedOut),
        }
    }

    /// Implements [`KeyManager::invalidate`](crate::KeyManager::invalidate).
    pub(crate) fn invalidate(&self, reference: &str) -> Result<(), Error> {
        self.cache.invalidate(&self.resolve(name::parse(reference)?)?);
        Ok(())
    }

    /// Reads a name that is not looked up in Vault from the environment.
    fn read_env(&self, name: &str) -> Result<Secret, Error> {
        let found = self.environment.get(name, VaultOutcome::NotQueried)?;
        found.ok_or_else(|| self.environment.not_found(name))
    }

    /// Returns the value of the environment if the settings allow that, else the error of the read.
    fn fall_back(&self, name: &Name, reason: &NoValue<'_>) -> Result<Secret, Error> {
        let vault = match reason {
            // A full cache or an outdated value says nothing about the secret.
            NoValue::Failed(error) => error.load_failure().map(outcome),
            NoValue::Unusable(_) => Some(VaultOutcome::Failed),
        };
        if let Some(vault) = vault
            && let Some(value) = self.environment.get(name.as_str(), vault)?
        {
            return Ok(value);
        }
        let operation = format!("read {}", name.as_str());
        Err(match reason {
            NoValue::Failed(error) => error.to_error(operation),
            NoValue::Unusable(error) => {
                let url = self.kv.mount().data(name.path());
                convert::field(format!("{operation}: {url}"), FieldError::clone(error))
            }
        })
    }
}
