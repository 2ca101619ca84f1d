//! Which names the process environment may provide. Every read path uses this decision.
//!
//! **Invariant:** a variable that configures `km` or a Vault client is never returned as a secret,
//! regardless of the policy (`docs/adr/0015-environment.md`).

use crate::effective::EffectiveValue;
use crate::settings::Settings;
use crate::table::SETTINGS;
use crate::table::access::FALLBACK;
use crate::values::fallback::{EnvironmentScope, Fallback, VaultOutcome};

/// Prefixes of the variables that configure LiteLLM's Vault manager, `km`, and the clients of Vault
/// and OpenBao.
const RESERVED_PREFIXES: [&str; 4] = ["HCP_VAULT_", "KM_", "VAULT_", "BAO_"];

/// Returns whether a variable configures `km` or a Vault client. Such a variable is never returned
/// as a secret.
///
/// The comparison ignores case, because the environment is case-insensitive on some systems.
pub fn is_reserved(name: &str) -> bool {
    let begins_with = |prefix: &&str| {
        name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    RESERVED_PREFIXES.iter().any(begins_with)
        || SETTINGS.iter().any(|setting| setting.name.eq_ignore_ascii_case(name))
}

impl Settings {
    /// Returns whether the process environment may provide `name` after this outcome in Vault.
    pub fn environment_may_provide(&self, name: &str, outcome: VaultOutcome) -> bool {
        self.fallback.allows(outcome)
            && can_be_variable(name)
            && !is_reserved(name)
            && self.is_in_scope(name)
    }

    /// Restricts the settings for a process that serves other processes: its environment provides
    /// nothing unless a fallback is set explicitly, and then only names that the configuration
    /// references.
    #[must_use]
    pub fn for_server(self) -> Self {
        let mut settings = Self { environment_scope: EnvironmentScope::ReferencedNames, ..self };
        if !settings.fallback_is_explicit {
            settings.fallback = Fallback::Never;
            let mut rows = settings.effective.iter_mut();
            if let Some(row) = rows.find(|row| row.setting.name == FALLBACK.name) {
                row.value = EffectiveValue::Text(Fallback::Never.as_str().to_owned());
            }
        }
        settings
    }

    fn is_in_scope(&self, name: &str) -> bool {
        match self.environment_scope {
            EnvironmentScope::AnyName => true,
            EnvironmentScope::ReferencedNames => self.references.iter().any(|known| known == name),
        }
    }
}

/// Returns whether a variable can have this name. The C library finds `A=b=c` for `A=b`.
fn can_be_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}
