//! The arguments of `km exec`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::resolve::ResolveArgs;

#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    pub(crate) resolve: ResolveArgs,
    /// Keep the variables with credentials for Vault in CMD's environment
    #[arg(long)]
    pub(crate) keep_credentials: bool,
    /// Restart CMD when a value changes; a change is noticed within KM_POLL_INTERVAL (60 s)
    #[arg(long)]
    pub(crate) watch: bool,
    /// Action of --watch on a change: restart CMD, or send it SIGHUP, SIGUSR1 or SIGUSR2
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
    /// Program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// The action of `--watch` on a changed value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnChange {
    /// Stop the program and start it with the new values
    #[default]
    Restart,
    /// Send SIGHUP
    #[value(name = "SIGHUP")]
    Hangup,
    /// Send SIGUSR1
    #[value(name = "SIGUSR1")]
    User1,
    /// Send SIGUSR2
    #[value(name = "SIGUSR2")]
    User2,
}
