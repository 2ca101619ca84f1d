//! The options of the commands that talk to a running sidecar.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct SidecarArgs {
    /// Address of the running `km serve` [env: KM_SERVE_ADDR]
    /// [default: km.sock in the XDG runtime directory]
    #[arg(long, value_name = "unix:PATH|HOST:PORT")]
    pub(crate) server: Option<String>,
}
