//! Reading a name: who is asked, through the cache, and what happens on a miss.

use secrecy::SecretString;
use tracing::debug;
use vault_kv::SecretPath;

use crate::error::{Error, Kind};
use crate::explain;
use crate::keys::KeyManager;
use crate::load::Failure;
use crate::name;
use crate::route::{Route, falls_back, route};
use crate::secret::Secret;

impl KeyManager {
    /// The value of a provider key, by its name or by a reference `os.environ/NAME`.
    ///
    /// Vault is asked through the cache, unless the access mode or the hosted keys send the name to
    /// the environment. What Vault does not have, the environment may, as the fallback policy says.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when nobody has it, [`Kind::Usage`] when it is no name; else the reason
    /// why Vault could not, or would not, tell.
    pub async fn secret(&self, reference: &str) -> Result<Secret, Error> {
        let name = name::parse(reference)?;
        let path = self.path(name)?;
        let parts = self.parts();
        if route(&parts.settings, name) == Route::Environment {
            return self.the_environments(name);
        }
        match parts.cache.get(&path).await {
            Ok(lent) => Ok(Secret::lent(lent)),
            Err(error) => self.behind(name, &path, &error),
        }
    }

    /// Forgets what is in memory of a provider key, by its name or by a reference
    /// `os.environ/NAME`: who reads it next waits for Vault, which has to answer.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is no name that could be asked for.
    pub fn invalidate(&self, reference: &str) -> Result<(), Error> {
        let path = self.path(name::parse(reference)?)?;
        drop(self.forget(&self.parts().kv, &path));
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
    pub(crate) fn behind(
        &self,
        name: &str,
        path: &SecretPath,
        error: &secret_cache::Error<Failure>,
    ) -> Result<Secret, Error> {
        let parts = self.parts();
        if let Some(failure) = error.load_error()
            && falls_back(parts.settings.fallback, failure)
        {
            debug!(name, %failure, "asking the environment");
            if let Some(value) = self.environment(name)? {
                return Ok(value);
            }
        }
        Err(explain::cached(format!("read {name}"), &parts.kv.mount().data(path), error))
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
