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
        match word {
            "read_only" => Some(Self::ReadOnly),
            "write_only" => Some(Self::WriteOnly),
            "read_and_write" => Some(Self::ReadAndWrite),
            _ => None,
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
