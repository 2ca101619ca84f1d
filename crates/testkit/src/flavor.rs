//! The servers that the product supports.

use std::fmt::{self, Display};

/// A server with Vault's HTTP API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// `HashiCorp` Vault. Its community edition has no namespaces.
    Vault,
    /// `OpenBao`, which has namespaces.
    OpenBao,
}

/// A flavor and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The flavor.
    pub flavor: Flavor,
    /// The version, such as `v1.21.2`.
    pub version: String,
}

impl Flavor {
    /// Parses `vault` or `openbao`.
    ///
    /// # Errors
    /// The text is another word.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "vault" => Ok(Self::Vault),
            "openbao" => Ok(Self::OpenBao),
            other => Err(format!("unknown flavor of a server: {other} (vault, openbao)")),
        }
    }

    /// Returns the other flavor.
    pub const fn other(self) -> Self {
        match self {
            Self::Vault => Self::OpenBao,
            Self::OpenBao => Self::Vault,
        }
    }

    /// Returns the word that [`Flavor::parse`] accepts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::OpenBao => "openbao",
        }
    }

    /// Returns the name of the program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::OpenBao => "bao",
        }
    }
}

impl Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault => "Vault",
            Self::OpenBao => "OpenBao",
        })
    }
}

impl Release {
    /// Parses the output of `vault version` or `bao version`.
    pub fn parse(output: &str) -> Option<Self> {
        // `Vault v1.21.2 (…), built …` or, without a commit, `Vault v1.21.2, built …`
        let mut words = output.split_whitespace();
        let flavor = match words.next()? {
            "Vault" => Flavor::Vault,
            "OpenBao" => Flavor::OpenBao,
            _ => return None,
        };
        let version = words.next()?.trim_end_matches(',').to_owned();
        version.starts_with('v').then_some(Self { flavor, version })
    }
}

impl Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.flavor, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_output_shows_flavor_and_version() {
        for (output, expected) in [
            ("Vault v1.21.2 (0ee7f0d), built 2026-01-07T08:33:05Z\n", Some("Vault v1.21.2")),
            ("Vault v1.21.2, built 2026-01-07T08:33:05Z", Some("Vault v1.21.2")),
            ("OpenBao v2.7.2 (9e0a0d3), committed 2026-10-26T20:32:27Z", Some("OpenBao v2.7.2")),
            ("Consul v1.20.0", None),
            ("Vault", None),
            ("Vault is sealed", None),
            ("", None),
        ] {
            let parsed = Release::parse(output).map(|release| release.to_string());
            assert_eq!(parsed.as_deref(), expected, "{output:?}");
        }
    }

    #[test]
    fn word_of_each_flavor_is_parsed() {
        for flavor in [Flavor::Vault, Flavor::OpenBao] {
            assert_eq!(Flavor::parse(flavor.word()), Ok(flavor));
        }
        for other in ["", "bao", "Vault"] {
            assert!(Flavor::parse(other).is_err(), "{other:?}");
        }
    }
}
