//! The arguments of `km sync`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::files::FileArgs;
use super::signal::signal;

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Existing directory to write the files to; no other user may be able to change it
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Write NAME instead of every os.environ/NAME reference in the file; can be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Continue without a name that is found in neither Vault nor the environment
    #[arg(long)]
    pub(crate) allow_missing: bool,
    #[command(flatten)]
    pub(crate) files: FileArgs,
    /// Write the files once, print the names of those that changed, and exit
    #[arg(long)]
    pub(crate) once: bool,
    /// Shell command to run after the files have changed
    #[arg(long, value_name = "CMD", conflicts_with = "signal",
          value_parser = NonEmptyStringValueParser::new())]
    pub(crate) run: Option<String>,
    /// Signal to send to the process of --pid-file after the files have changed
    #[arg(long, value_name = "SIGNAL", requires = "pid_file", value_parser = signal)]
    pub(crate) signal: Option<i32>,
    /// File with the ID of the process that receives --signal
    #[arg(long, value_name = "FILE", requires = "signal")]
    pub(crate) pid_file: Option<PathBuf>,
}
