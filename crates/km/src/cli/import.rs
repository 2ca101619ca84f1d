//! The arguments of `km import`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A .env file with one secret per variable; -: stdin
    pub(crate) file: PathBuf,
    /// Import NAME instead of every variable of the file; can be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace each whole secret in one write, without a read; otherwise it is read first, its other
    /// fields are kept, and an unchanged value is not written
    #[arg(long)]
    pub(crate) replace: bool,
}
