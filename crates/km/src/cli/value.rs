//! The options of the commands that read a value from stdin.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ValueArgs {
    /// Keep the trailing line ending of the value, which is dropped otherwise
    #[arg(long)]
    pub(crate) raw: bool,
    /// Allow an empty value
    #[arg(long)]
    pub(crate) allow_empty: bool,
}
