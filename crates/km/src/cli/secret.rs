//! The arguments of the commands on provider secrets.

use clap::Args;

use super::value::ValueArgs;
use super::version::{DestroyedVersionsArgs, LimitArgs, UndeletedVersionArgs, version};

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Read every secret that the configuration references, and report where it is found, its
    /// version and what a provider may reject; never a value
    #[arg(long, conflicts_with = "policy")]
    pub(crate) secrets: bool,
    /// Print the least-privilege policy (HCL) for these settings, without contacting Vault
    #[arg(long)]
    pub(crate) policy: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// Name of the secret, or a reference os.environ/NAME
    pub(crate) name: String,
    /// Version to read, from Vault only [default: the latest]
    #[arg(long, value_name = "VERSION", value_parser = version())]
    pub(crate) version: Option<u64>,
    /// Field to print, from Vault only [default: key]
    #[arg(long, value_name = "FIELD")]
    pub(crate) field: Option<String>,
    /// Interpret the value as a boolean, and print true or false
    #[arg(long)]
    pub(crate) bool: bool,
    /// Print the source of the value to stderr
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    /// Name of the secret
    pub(crate) name: String,
    /// Description, stored beside the value
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Write only if the latest version is VERSION; 0: only if the secret has no version
    #[arg(long, value_name = "VERSION", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u64).range(..=i64::MAX.cast_unsigned()))]
    pub(crate) cas: Option<u64>,
    /// Replace the whole secret in one write; otherwise it is read first, and its other fields are
    /// kept
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Name of the secret
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Name of the secret, or a reference os.environ/NAME
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) limit: LimitArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UndeleteArgs {
    /// Name of the secret
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) version: UndeletedVersionArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// Name of the secret
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) versions: DestroyedVersionsArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Folder to list [default: the top level]
    pub(crate) prefix: Option<String>,
    /// Include deleted and destroyed secrets, marked as such
    #[arg(long)]
    pub(crate) all: bool,
}
