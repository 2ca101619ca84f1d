//! The process environment as a fallback for Vault.
//!
//! [`Environment::get`] is the only code in the crate that reads a variable by a name that a
//! caller gives. It asks the settings first, so no read bypasses them.

use std::sync::Arc;

use km_settings::{Env, Settings, VaultOutcome, is_reserved};
use secrecy::SecretString;

use crate::error::{Error, ErrorKind};
use crate::log::debug;
use crate::read::secret::Secret;

/// The environment, and the settings that restrict it.
pub(crate) struct Environment {
    env: Box<dyn Env>,
    settings: Arc<Settings>,
}

impl Environment {
    pub(crate) fn new(env: impl Env + 'static, settings: &Arc<Settings>) -> Self {
        Self { env: Box::new(env), settings: Arc::clone(settings) }
    }

    /// Returns the variable of this name, or `None` if it is not set or the settings forbid the
    /// fallback.
    ///
    /// # Errors
    /// [`ErrorKind::StoredValue`] for a value that is not UTF-8.
    pub(crate) fn get(&self, name: &str, vault: VaultOutcome) -> Result<Option<Secret>, Error> {
        if !self.settings.environment_may_provide(name, vault) {
            return Ok(None);
        }
        debug!(name, "reading the environment");
        let Some(value) = self.env.var(name) else {
            return Ok(None);
        };
        let value = value.into_string().map_err(|_| {
            let what = format!("read {name}: the environment variable is not UTF-8");
            Error::new(ErrorKind::StoredValue, what).with_hint("set the variable to UTF-8 text")
        })?;
        Ok(Some(Secret::from_environment(SecretString::from(value))))
    }

    /// Returns the error of a name that is not looked up in Vault and that [`get`](Self::get) did
    /// not find.
    pub(crate) fn not_found(&self, name: &str) -> Error {
        let why = if is_reserved(name) {
            "settings and credentials are never returned as secrets"
        } else if self.settings.environment_may_provide(name, VaultOutcome::NotQueried) {
            "the environment has no such variable"
        } else {
            "the fallback to the environment is not allowed for this name (KM_FALLBACK)"
        };
        let hint = "set access_mode and hosted_keys so that this name is read from Vault";
        Error::new(ErrorKind::NotFound, format!("read {name}: not found: {why}")).with_hint(hint)
    }
}
