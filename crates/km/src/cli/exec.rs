//! What a person types to run a program with secrets in its environment.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// A name to resolve, instead of all os.environ/NAME in the file; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Start CMD although neither Vault nor the environment has a name
    #[arg(long)]
    pub(crate) allow_missing: bool,
    /// Leave the variables that say how to log in to Vault in CMD's environment
    #[arg(long)]
    pub(crate) keep_credentials: bool,
    /// Set NAME although the loader or a shell obeys it (LD_*, PATH, BASH_* and the like) and its value
    /// comes from Vault; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) danger_env: Vec<String>,
    /// Run CMD anew when a value changes. Vault is asked within HCP_VAULT_REFRESH_INTERVAL, which is a
    /// day unless it is set
    #[arg(long)]
    pub(crate) watch: bool,
    /// What --watch does when a value changes: restart CMD, or send it SIGHUP, SIGUSR1 or SIGUSR2
    /// [default: restart]
    #[arg(
        long,
        value_name = "restart|SIGNAL",
        value_enum,
        default_value_t,
        requires = "watch",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) on_change: OnChange,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// What follows on a changed value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnChange {
    /// The program is ended, and started with the new values
    #[default]
    Restart,
    /// The program is told
    #[value(name = "SIGHUP")]
    Hangup,
    /// The program is told
    #[value(name = "SIGUSR1")]
    User1,
    /// The program is told
    #[value(name = "SIGUSR2")]
    User2,
}
