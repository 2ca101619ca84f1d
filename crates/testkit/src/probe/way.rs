//! The ways to a server, and the attempts that are made in order.

use crate::flavor::Flavor;

/// The sources of a server, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A server that is running already.
    Address,
    /// A container.
    Container,
    /// A process.
    Process,
}

impl Way {
    /// Parses `address`, `container` or `process`.
    ///
    /// # Errors
    /// The text is another word.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "address" => Ok(Self::Address),
            "container" => Ok(Self::Container),
            "process" => Ok(Self::Process),
            other => {
                Err(format!("no such way to get a server: {other} (address, container, process)"))
            }
        }
    }

    /// Returns the word that [`Way::parse`] accepts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Container => "container",
            Self::Process => "process",
        }
    }
}

/// An attempt to prepare a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The source.
    pub way: Way,
    /// The flavor. That of a server which is running already is found out from it.
    pub flavor: Flavor,
    /// Whether a binary that is not on this machine may be obtained: `OpenBao`'s is downloaded in
    /// seconds, Vault's is built in minutes.
    pub obtains: bool,
}
