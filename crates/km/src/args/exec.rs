//! What a person types to run a program with secrets in its environment.

use std::ffi::OsString;

use clap::Args;

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
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}
