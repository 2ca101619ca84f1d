//! Access to Vault, and virtual keys.

/// Which operations Vault is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessMode {
    /// Secrets are read from Vault. Writes are rejected.
    ReadOnly,
    /// Secrets are written to Vault. Names are read from the environment.
    WriteOnly,
    /// Secrets are read from Vault and written to it.
    ReadAndWrite,
}

impl AccessMode {
    /// Parses a value of `KM_ACCESS_MODE`.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        let modes = [Self::ReadOnly, Self::WriteOnly, Self::ReadAndWrite];
        modes.into_iter().find(|mode| mode.as_str() == word)
    }

    /// Returns the value of `KM_ACCESS_MODE` for this mode.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::WriteOnly => "write_only",
            Self::ReadAndWrite => "read_and_write",
        }
    }

    /// Returns whether names are read from Vault.
    pub fn reads(self) -> bool {
        matches!(self, Self::ReadOnly | Self::ReadAndWrite)
    }

    /// Returns whether secrets may be written to Vault.
    pub fn writes(self) -> bool {
        matches!(self, Self::WriteOnly | Self::ReadAndWrite)
    }
}

/// Storage of the virtual keys that the gateway issues.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VirtualKeys {
    /// Whether virtual keys are stored in Vault.
    pub store: bool,
    /// The path segments before the alias of a key, normalized and validated; `None` if there are
    /// none.
    pub prefix: Option<String>,
    /// Whether virtual keys may be stored in the folder of the provider secrets, where an alias
    /// and the name of a provider secret can be the same path.
    pub danger_shared_folder: bool,
}

impl VirtualKeys {
    /// Returns whether virtual keys and provider secrets share a folder.
    pub fn shares_folder(&self) -> bool {
        self.prefix.is_none()
    }
}
