//! What a person types to start the sidecar.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen: a socket, or an address of loopback such as 127.0.0.1:8210
    /// [default: km.sock in XDG's runtime directory]
    #[arg(long, value_name = "unix:PATH|ADDRESS")]
    pub(crate) listen: Option<String>,
    /// The file of the token that each request carries; made if there is none
    /// [default on an address: km.token in XDG's runtime directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Serve everybody on this machine without a token
    #[arg(long, conflicts_with = "token_file")]
    pub(crate) danger_no_token: bool,
    /// An address of loopback that serves /metrics alone, without a token
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<String>,
}
