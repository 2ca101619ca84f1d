//! The arguments of `km status`.

use clap::Args;

use super::sidecar::SidecarArgs;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print the status again every second, until a signal
    #[arg(long)]
    pub(crate) watch: bool,
    /// Include virtual keys
    #[arg(long)]
    pub(crate) keys: bool,
    #[command(flatten)]
    pub(crate) sidecar: SidecarArgs,
}
