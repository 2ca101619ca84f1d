//! The arguments of `km refresh`.

use clap::Args;

use super::sidecar::SidecarArgs;

#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// Names of secrets, or references os.environ/NAME
    /// [default: all provider secrets in the sidecar's memory]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) sidecar: SidecarArgs,
}
