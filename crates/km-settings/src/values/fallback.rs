//! Which names the process environment may answer: one pure decision for every route.
//!
//! **Invariant:** a variable that configures `km` or a Vault client is never returned as a secret,
//! whatever the policy says. `docs/adr/0015-environment.md` has the reasons.

use crate::reader::Reader;
use crate::settings::Settings;
use crate::table::SETTINGS;

/// Prefixes of the variables that configure LiteLLM's Vault manager, `km` and the clients of Vault
/// and OpenBao.
const RESERVED_PREFIXES: [&str; 4] = ["HCP_VAULT_", "KM_", "VAULT_", "BAO_"];

/// When the process environment is asked for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// Never, also for names that Vault is not asked for.
    Never,
    /// When Vault has no such secret, or is not asked for the name.
    OnMissing,
    /// Also when Vault could not be asked, or refused: what LiteLLM does.
    OnError,
}

/// Which names the process environment may answer, where the [`Fallback`] allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnvironmentScope {
    /// Any name that is not [reserved](is_reserved).
    AnyName,
    /// The names that the configuration references, for a process that answers other processes.
    ReferencedNames,
}

/// What Vault said about a name, as far as the environment is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VaultOutcome {
    /// The settings do not ask Vault for the name: it is not hosted, or the mode is `write_only`.
    NotQueried,
    /// Nothing was ever stored under the name.
    NotFound,
    /// Vault could not be asked, refused, or has no usable value.
    Failed,
    /// The mount or the namespace does not exist: a mistake that no fallback may hide.
    LocationMissing,
}

/// Whether a variable configures `km` or a Vault client, in any case: it is never returned as a
/// secret.
///
/// Variables are compared without case because not every environment distinguishes it.
pub fn is_reserved(name: &str) -> bool {
    let begins_with = |prefix: &&str| {
        name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    RESERVED_PREFIXES.iter().any(begins_with)
        || SETTINGS.iter().any(|setting| setting.name.eq_ignore_ascii_case(name))
}

impl Settings {
    /// Whether the process environment may answer `name`, given what Vault said about it.
    pub fn environment_may_provide(&self, name: &str, vault: VaultOutcome) -> bool {
        let by_policy = match (self.fallback, vault) {
            (Fallback::Never, _) | (_, VaultOutcome::LocationMissing) => false,
            (_, VaultOutcome::NotQueried | VaultOutcome::NotFound) => true,
            (policy, VaultOutcome::Failed) => policy == Fallback::OnError,
        };
        by_policy && is_variable(name) && !is_reserved(name) && self.is_in_scope(name)
    }

    /// The settings of a process that answers other processes: its environment answers nothing,
    /// unless a fallback was set explicitly, and then only names that the configuration references.
    #[must_use]
    pub fn for_server(self) -> Self {
        let fallback = if self.fallback_is_explicit { self.fallback } else { Fallback::Never };
        Self { fallback, environment_scope: EnvironmentScope::ReferencedNames, ..self }
    }

    fn is_in_scope(&self, name: &str) -> bool {
        match self.environment_scope {
            EnvironmentScope::AnyName => true,
            EnvironmentScope::ReferencedNames => self.references.iter().any(|known| known == name),
        }
    }
}

/// Whether a variable can have this name. The C library takes `A=b` for a part of the value of `A`.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// The policy, and whether it was set.
pub(crate) fn read(reader: &mut Reader<'_>) -> (Fallback, bool) {
    let words = [
        ("never", Fallback::Never),
        ("on_missing", Fallback::OnMissing),
        ("on_error", Fallback::OnError),
    ];
    let set = reader.own("KM_FALLBACK").and_then(|found| found.word(&words, &mut reader.notes));
    (set.unwrap_or(Fallback::OnMissing), set.is_some())
}
