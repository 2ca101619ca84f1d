//! The arguments of the commands that talk to a running sidecar.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// Names of secrets, or references os.environ/NAME
    /// [default: all provider secrets in the sidecar's memory]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) sidecar: SidecarArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SidecarArgs {
    /// Address of the running `km serve` [env: KM_SERVE_ADDR]
    /// [default: km.sock in the XDG runtime directory]
    #[arg(long, value_name = "unix:PATH|HOST:PORT")]
    pub(crate) server: Option<String>,
}
