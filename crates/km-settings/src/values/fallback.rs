//! The fallback to the process environment.

/// When the process environment may provide a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// Never, not even for names that are not read from Vault.
    Never,
    /// If Vault has no such secret, or the name is not read from Vault.
    OnMissing,
    /// Also if Vault is unavailable or denies access, like LiteLLM.
    OnError,
}

impl Fallback {
    /// Parses a value of `KM_FALLBACK`.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        let policies = [Self::Never, Self::OnMissing, Self::OnError];
        policies.into_iter().find(|policy| policy.as_str() == word)
    }

    /// Returns the value of `KM_FALLBACK` for this policy.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::OnMissing => "on_missing",
            Self::OnError => "on_error",
        }
    }

    /// Returns whether this policy allows a fallback after `outcome`.
    pub(crate) fn allows(self, outcome: VaultOutcome) -> bool {
        match (self, outcome) {
            (Self::Never, _) | (_, VaultOutcome::LocationMissing) => false,
            (_, VaultOutcome::NotQueried | VaultOutcome::NotFound) => true,
            (policy, VaultOutcome::Failed) => policy == Self::OnError,
        }
    }
}

/// Which names the process environment may provide, if the [`Fallback`] allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnvironmentScope {
    /// Any name that is not [reserved](crate::is_reserved).
    AnyName,
    /// The names that the configuration references, for a server that other processes query.
    ReferencedNames,
}

/// The outcome of reading a name from Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VaultOutcome {
    /// The name is not read from Vault: it is not hosted, or the mode is `write_only`.
    NotQueried,
    /// No version of the secret was ever written.
    NotFound,
    /// Vault is unavailable, denied access, or has no usable value.
    Failed,
    /// The mount or the namespace does not exist. No fallback may hide this mistake.
    LocationMissing,
}
