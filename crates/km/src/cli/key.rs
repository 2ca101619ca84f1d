//! The arguments of `km key`.

use clap::{ArgGroup, Args, Subcommand};

use super::value::ValueArgs;
use super::version::{DestroyedVersionsArgs, LimitArgs, UndeletedVersionArgs, version};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Store a key; the value is read from stdin. A stored key with the same value is left
    /// unchanged
    Store(KeyStoreArgs),
    /// Print a key
    Read(KeyReadArgs),
    /// List the aliases of all keys
    List(KeyListArgs),
    /// Replace a key's value, which is read from stdin, and with --to its alias
    Rotate(KeyRotateArgs),
    /// Change a key's alias
    Rename(KeyRenameArgs),
    /// Delete the latest version of a key; it can be undeleted
    Delete(KeyDeleteArgs),
    /// List the versions of a key, the newest first
    History(KeyHistoryArgs),
    /// Undelete a version of a key
    Undelete(KeyUndeleteArgs),
    /// Destroy the data of versions of a key permanently; this cannot be undone
    Destroy(KeyDestroyArgs),
}

/// The name of a key: an alias, or the id of its token.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("key").required(true))]
pub(crate) struct KeyName {
    /// Alias of the key
    #[arg(group = "key")]
    pub(crate) alias: Option<String>,
    /// Token id of a key without an alias, which is stored as virtual-key-ID
    #[arg(long, value_name = "ID", group = "key")]
    pub(crate) token_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Print where the key is stored, and do nothing else
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyStoreArgs {
    #[command(flatten)]
    pub(crate) name: KeyName,
    /// Description, stored beside the value
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyReadArgs {
    #[command(flatten)]
    pub(crate) name: KeyName,
    /// Version to read [default: the latest]
    #[arg(long, value_name = "VERSION", value_parser = version())]
    pub(crate) version: Option<u64>,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyListArgs {
    /// Include deleted and destroyed keys, marked as such
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRotateArgs {
    #[command(flatten)]
    pub(crate) name: KeyName,
    /// New alias [default: unchanged]
    #[arg(long, value_name = "NEW")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRenameArgs {
    /// Current alias
    pub(crate) old: String,
    /// New alias
    pub(crate) new: String,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyDeleteArgs {
    #[command(flatten)]
    pub(crate) name: KeyName,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyHistoryArgs {
    #[command(flatten)]
    pub(crate) name: KeyName,
    #[command(flatten)]
    pub(crate) limit: LimitArgs,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyUndeleteArgs {
    #[command(flatten)]
    pub(crate) name: KeyName,
    #[command(flatten)]
    pub(crate) version: UndeletedVersionArgs,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeyDestroyArgs {
    #[command(flatten)]
    pub(crate) name: KeyName,
    #[command(flatten)]
    pub(crate) versions: DestroyedVersionsArgs,
    #[command(flatten)]
    pub(crate) explain: ExplainArgs,
}
