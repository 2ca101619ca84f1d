//! The types of values.

use std::fmt;

/// The type of a setting's value.
///
/// `Display` gives the type as Markdown, for the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// Any text.
    Text,
    /// The address of a server: `https://host:port`.
    Address,
    /// The name of a file.
    File,
    /// Path segments in Vault, with `/` between them.
    Path,
    /// `true` or `false`, or another of LiteLLM's words for them.
    Boolean,
    /// A duration: `500ms`, `5s`, `15m`, `1h`, `1d`, `1w`, or seconds without a unit.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list: comma-separated in a variable, a YAML list in the file.
    List,
}

impl fmt::Display for ValueType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "text",
            Self::Address => "address",
            Self::File => "file",
            Self::Path => "path",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Choice(words) => return write!(formatter, "`{}`", words.join("`, `")),
            Self::List => "list",
        })
    }
}
