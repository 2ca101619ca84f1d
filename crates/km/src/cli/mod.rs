//! The command line, as clap parses it. The doc comments of its fields are the help texts.

mod completions;
mod duration;
mod exec;
mod export;
mod files;
mod global;
mod import;
mod invalid;
mod key;
mod refresh;
mod resolve;
mod rotate;
mod secret;
mod serve;
mod sidecar;
mod signal;
mod status;
mod sync;
mod value;
mod variable;
mod version;

use clap::{Parser, Subcommand};

pub(crate) use completions::CompletionsArgs;
pub(crate) use exec::{ExecArgs, OnChange, WatchArgs};
pub(crate) use export::{ExportArgs, ExportFormat};
pub(crate) use files::FileArgs;
pub(crate) use global::{GlobalArgs, LogFormat};
pub(crate) use import::ImportArgs;
pub(crate) use invalid::InvalidValue;
pub(crate) use key::{
    KeyCommand, KeyDeleteArgs, KeyDestroyArgs, KeyHistoryArgs, KeyListArgs, KeyName, KeyReadArgs,
    KeyRenameArgs, KeyRotateArgs, KeyStoreArgs, KeyUndeleteArgs,
};
pub(crate) use refresh::RefreshArgs;
pub(crate) use resolve::ResolveArgs;
pub(crate) use rotate::RotateArgs;
pub(crate) use secret::{
    CheckArgs, DeleteArgs, DestroyArgs, HistoryArgs, ListArgs, ReadArgs, UndeleteArgs, WriteArgs,
};
pub(crate) use serve::ServeArgs;
pub(crate) use status::StatusArgs;
pub(crate) use sync::SyncArgs;
pub(crate) use value::ValueArgs;

/// Key management for LLM gateways on HashiCorp Vault and OpenBao
#[derive(Debug, Parser)]
#[command(name = "km", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verify settings, connectivity, login, mount and permissions
    Check(CheckArgs),
    /// Print the effective settings and where each comes from, without contacting Vault
    Config,
    /// Print a provider secret, read as a gateway would read it
    Read(ReadArgs),
    /// Write the value of a secret, which is read from stdin, and keep its other fields
    Write(WriteArgs),
    /// Delete the latest version of a secret; it can be undeleted
    Delete(DeleteArgs),
    /// List the versions of a secret, the newest first
    History(HistoryArgs),
    /// Undelete a version of a secret
    Undelete(UndeleteArgs),
    /// Destroy the data of versions of a secret permanently; this cannot be undone
    Destroy(DestroyArgs),
    /// List the names of secrets; folders end with a slash
    List(ListArgs),
    /// Replace a provider key: mint, verify, store, confirm at the sidecars, revoke the old one
    ///
    /// The commands are run by `sh -c`, without the credentials for Vault. A key is passed on stdin
    /// without a line ending. The new key is what --with prints, without one trailing line ending.
    /// The stdout of the others is discarded.
    ///
    /// Other input is in the environment: KM_ROTATE_STEP (mint, verify, revoke, or discard for a new
    /// key that is not stored), KM_ROTATE_NAME, KM_ROTATE_ID (of the rotation),
    /// KM_ROTATE_OLD_VERSION and, once the new key is stored, KM_ROTATE_NEW_VERSION.
    ///
    /// The same command completes a rotation that was interrupted.
    Rotate(RotateArgs),
    /// Manage virtual keys: store, read, list, rotate, rename, delete, and their versions
    #[command(subcommand, arg_required_else_help = true)]
    Key(KeyCommand),
    /// Run a program with secrets in its environment
    Exec(ExecArgs),
    /// Print the secrets that the configuration references, for other tools
    Export(ExportArgs),
    /// Write the variables of a .env file, one secret each
    Import(ImportArgs),
    /// Keep a directory of files equal to the secrets that the configuration references
    Sync(SyncArgs),
    /// Run the sidecar, which serves secrets and virtual keys to a gateway on this machine
    Serve(ServeArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print what the running sidecar holds, its login, its server and its settings
    Status(StatusArgs),
    /// Make the running sidecar read secrets from Vault again
    Refresh(RefreshArgs),
}
