//! The two HTTP APIs of the sidecar.

/// An HTTP API, which determines the form of an error response and a label of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// `/km/v1/`: provider secrets by name, virtual keys by alias.
    Native,
    /// `/v1/`: Vault's API for the configured mount.
    Vault,
}

impl Api {
    /// Returns the API that a path belongs to. Paths of neither count as native.
    pub(crate) fn of(path: &str) -> Self {
        if path.starts_with("/v1/") { Self::Vault } else { Self::Native }
    }

    /// Returns the name in metrics and logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Vault => "vault",
        }
    }
}
