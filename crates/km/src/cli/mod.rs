//! What a person types.

mod exec;
mod key;
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use exec::{Exec, OnChange};
pub(crate) use key::{Key, KeyDelete, KeyList, KeyName, KeyRead, KeyRename, KeyRotate, KeyStore};
pub(crate) use serve::Serve;

/// Key management for LLM gateways on HashiCorp Vault and OpenBao.
#[derive(Debug, Parser)]
#[command(name = "km", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// LiteLLM's config.yaml; without it, the environment alone [env: KM_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// A team's secret_manager_settings, for the commands on virtual keys
    #[arg(long, value_name = "JSON|@FILE", global = true)]
    pub(crate) team_settings: Option<String>,
    /// What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]
    #[arg(long, value_name = "FILTER", global = true)]
    pub(crate) log: Option<String>,
    /// How events are logged: for people, or a JSON object on a line [default: text]
    #[arg(
        long,
        value_name = "text|json",
        value_enum,
        default_value_t,
        global = true,
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) log_format: LogFormat,
    /// Output for machines: one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// How an event is written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people
    #[default]
    Text,
    /// A JSON object on a line
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look whether everything is in place: settings, server, login, mount, rights
    Check(Check),
    /// Print a provider secret, as a gateway would get it
    Read(Read),
    /// Write a secret; the value is read from stdin
    Write(Write),
    /// Delete the latest version of a secret; it can be undeleted
    Delete(Delete),
    /// List the names of secrets; folders end in a slash
    List(List),
    /// Virtual keys, which a gateway hands out: store, read, list, rotate, rename, delete
    #[command(subcommand, arg_required_else_help = true)]
    Key(Key),
    /// Run a program with the secrets that a configuration refers to in its environment
    Exec(Exec),
    /// Serve secrets and virtual keys to a gateway on this machine, which needs no login then
    Serve(Serve),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Print the least policy (HCL) that these settings need; nothing is asked
    #[arg(long)]
    pub(crate) policy: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    /// The name, or a reference os.environ/NAME
    pub(crate) name: String,
    /// Read it as a boolean: print true or false
    #[arg(long)]
    pub(crate) bool: bool,
    /// Tell on stderr where the value came from
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Write {
    /// The name
    pub(crate) name: String,
    /// A description, stored beside the value
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Write only when this is the latest version; 0: when there was never one
    #[arg(long, value_name = "VERSION", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u64).range(..=i64::MAX.cast_unsigned()))]
    pub(crate) cas: Option<u64>,
    #[command(flatten)]
    pub(crate) input: Input,
}

/// How a value is read from stdin.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Keep a trailing line ending, which is dropped otherwise
    #[arg(long)]
    pub(crate) raw: bool,
    /// Take an empty value
    #[arg(long)]
    pub(crate) allow_empty: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The name
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The folder; all that is in none if not given
    pub(crate) prefix: Option<String>,
    /// List deleted and destroyed secrets too, marked
    #[arg(long)]
    pub(crate) all: bool,
}
