//! The options of the commands that resolve the names of the configuration.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// Resolve NAME instead of every os.environ/NAME reference in the file; can be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Continue without a name that is found in neither Vault nor the environment
    #[arg(long)]
    pub(crate) allow_missing: bool,
    /// Allow a value from Vault for NAME although a loader, shell or interpreter acts on it (LD_*,
    /// PATH, BASH_* and the like); can be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) danger_env: Vec<String>,
}
