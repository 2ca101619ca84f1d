//! The headings of the reference.

/// A group of settings: a heading of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Section {
    /// The Vault server and the connection to it.
    Server,
    /// The login method and its credentials.
    Login,
    /// The location of provider secrets.
    Location,
    /// Reads, writes, virtual keys and the fallback.
    Access,
    /// The cache.
    Cache,
    /// Restrictions on team settings.
    Teams,
    /// The `km` process itself.
    Process,
}

impl Section {
    /// All sections, in the order of the reference.
    pub const ALL: [Self; 7] = [
        Self::Server,
        Self::Login,
        Self::Location,
        Self::Access,
        Self::Cache,
        Self::Teams,
        Self::Process,
    ];

    /// Returns the heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Login => "Login",
            Self::Location => "Location of secrets",
            Self::Access => "Access",
            Self::Cache => "Cache",
            Self::Teams => "Teams",
            Self::Process => "Process",
        }
    }
}
