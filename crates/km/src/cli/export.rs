//! The arguments of `km export`.

use clap::{Args, ValueEnum};

use super::resolve::ResolveArgs;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Format of the output: dotenv, shell, json or github [default: dotenv; with --json: json]
    #[arg(long, value_name = "dotenv|shell|json|github", value_enum, hide_possible_values = true)]
    pub(crate) format: Option<ExportFormat>,
    #[command(flatten)]
    pub(crate) resolve: ResolveArgs,
}

/// The format of exported values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A .env file, as python-dotenv and so LiteLLM reads it
    Dotenv,
    /// Commands for a POSIX shell: eval "$(km export --format shell)"
    Shell,
    /// One JSON object
    Json,
    /// Commands of a GitHub Actions step, which mask the values and set them for later steps
    Github,
}
