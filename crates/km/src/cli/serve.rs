//! The arguments of `km serve`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Unix socket, or loopback address such as 127.0.0.1:8210, to listen on
    /// [default: km.sock in the XDG runtime directory]
    #[arg(long, value_name = "unix:PATH|ADDRESS")]
    pub(crate) listen: Option<String>,
    /// File with the token that every request must carry; created if it does not exist
    /// [default for an address: km.token in the XDG runtime directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Serve every process on this machine, without a token
    #[arg(long, conflicts_with = "token_file")]
    pub(crate) danger_no_token: bool,
    /// Loopback address of a second listener, which serves /metrics only and without a token
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<String>,
}
