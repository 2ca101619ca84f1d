//! The arguments of `km exec`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration::duration;
use super::resolve::ResolveArgs;
use super::signal::ending_signal;

#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    pub(crate) resolve: ResolveArgs,
    /// Keep the variables with credentials for Vault in CMD's environment
    #[arg(long)]
    pub(crate) keep_credentials: bool,
    /// Start CMD with the resolved variables only, without any inherited one
    #[arg(long, conflicts_with = "keep_credentials")]
    pub(crate) pristine: bool,
    /// Write the values to files in the existing directory DIR instead of passing them as
    /// variables, except for those of --env, and replace the files when a value changes
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
    /// Print the variables, their names and sources, but no values, and do not start CMD, which may
    /// be omitted
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// Program and its arguments
    #[arg(last = true, required_unless_present = "dry_run", value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// The options of `--watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Restart CMD when a value changes; a change is noticed within KM_POLL_INTERVAL (60 s)
    #[arg(id = "watch", long = "watch")]
    pub(crate) is_enabled: bool,
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
    /// Signal of --watch that requests the end of CMD before a restart [default: SIGTERM]
    #[arg(long, value_name = "SIGNAL", default_value = "SIGTERM", hide_default_value = true,
          requires = "watch", value_parser = ending_signal)]
    pub(crate) kill_signal: i32,
    /// Time that CMD has to end after that signal, before it is killed [default: 10s]
    #[arg(long, value_name = "DURATION", default_value = "10s", hide_default_value = true,
          requires = "watch", value_parser = duration)]
    pub(crate) kill_timeout: Duration,
    /// Longest of the random waits of --watch between a change and its action, so that not all
    /// instances of CMD restart at once [default: 0s]
    #[arg(long, value_name = "DURATION", default_value = "0s", hide_default_value = true,
          requires = "watch", value_parser = duration)]
    pub(crate) splay: Duration,
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
