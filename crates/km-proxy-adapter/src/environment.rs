//! The process environment behind Vault. [`Environment::get`] is the only place in the crate that
//! reads a variable by a name that a caller gives, so that the settings decide for every route.

use std::sync::Arc;

use km_settings::{Env, Settings, VaultOutcome, is_reserved};
use secrecy::SecretString;
use tracing::debug;

use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

/// The environment, and the settings that say which names it may answer.
pub(crate) struct Environment {
    env: Box<dyn Env>,
    settings: Arc<Settings>,
}

impl Environment {
    pub(crate) fn new(env: impl Env + 'static, settings: &Arc<Settings>) -> Self {
        Self { env: Box::new(env), settings: Arc::clone(settings) }
    }

    /// The variable of this name; `None` where there is none, or where the settings do not let the
    /// environment answer the name.
    ///
    /// # Errors
    /// [`ErrorKind::StoredValue`] for a value that is not UTF-8.
    pub(crate) fn get(&self, name: &str, vault: VaultOutcome) -> Result<Option<Secret>, Error> {
        if !self.settings.environment_may_provide(name, vault) {
            return Ok(None);
        }
        debug!(name, "asking the environment");
        let Some(value) = self.env.var(name) else {
            return Ok(None);
        };
        let value = value.into_string().map_err(|_| {
            let what = format!("read {name}: the environment's value is not UTF-8");
            Error::new(ErrorKind::StoredValue, what).with_hint("set the variable to text")
        })?;
        Ok(Some(Secret::environment(SecretString::from(value))))
    }

    /// The error for a name that Vault is not asked for and that [`get`](Self::get) does not find.
    pub(crate) fn not_found(&self, name: &str) -> Error {
        let why = if is_reserved(name) {
            "settings and credentials are never returned as secrets"
        } else if self.settings.environment_may_provide(name, VaultOutcome::NotQueried) {
            "the environment has no such variable"
        } else {
            "the environment may not answer this name (KM_FALLBACK)"
        };
        Error::new(ErrorKind::NotFound, format!("read {name}: {why}"))
            .with_hint("these settings don't ask Vault for it: see access_mode and hosted_keys")
    }
}
