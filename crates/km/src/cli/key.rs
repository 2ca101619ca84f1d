//! What a person types to work on virtual keys.

use clap::{ArgGroup, Args, Subcommand};

use super::Input;

/// The commands on virtual keys. With `--team-settings` they are a team's.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Store a key; the value is read from stdin. What is stored already is not written again
    Store(KeyStore),
    /// Print a key
    Read(KeyRead),
    /// List the aliases of all keys
    List(KeyList),
    /// Give a key a new value, which is read from stdin, and a new alias with --to
    Rotate(KeyRotate),
    /// Give a key a new alias
    Rename(KeyRename),
    /// Delete the latest version of a key; it can be undeleted
    Delete(KeyDelete),
}

/// Which key.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("key").required(true))]
pub(crate) struct KeyName {
    /// The alias
    #[arg(group = "key")]
    pub(crate) alias: Option<String>,
    /// The token id of a key without an alias, which is called virtual-key-ID
    #[arg(long, value_name = "ID", group = "key")]
    pub(crate) token_id: Option<String>,
}

/// Whether only the place is told.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Tell where the key is, and do nothing
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyStore {
    #[command(flatten)]
    pub(crate) name: KeyName,
    /// A description, stored beside the value
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) place: Explain,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRead {
    #[command(flatten)]
    pub(crate) name: KeyName,
    #[command(flatten)]
    pub(crate) place: Explain,
}

#[derive(Debug, Args)]
pub(crate) struct KeyList {
    /// List deleted and destroyed keys too, marked
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) place: Explain,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRotate {
    #[command(flatten)]
    pub(crate) name: KeyName,
    /// The new alias; the key keeps its own if not given
    #[arg(long, value_name = "NEW")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) place: Explain,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRename {
    /// The alias
    pub(crate) old: String,
    /// The new alias
    pub(crate) new: String,
    #[command(flatten)]
    pub(crate) place: Explain,
}

#[derive(Debug, Args)]
pub(crate) struct KeyDelete {
    #[command(flatten)]
    pub(crate) name: KeyName,
    #[command(flatten)]
    pub(crate) place: Explain,
}
