//! The options of every command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalArgs {
    /// LiteLLM's config.yaml [env: KM_CONFIG] [default: settings from the environment only]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// A team's secret_manager_settings, for `km key` only
    #[arg(long, value_name = "JSON|@FILE", global = true)]
    pub(crate) team_settings: Option<String>,
    /// Filter for the log on stderr, as a tracing filter [env: KM_LOG] [default: warn]
    #[arg(long, value_name = "FILTER", global = true)]
    pub(crate) log: Option<String>,
    /// Log format: text, or one JSON object per line [default: text]
    #[arg(
        long,
        value_name = "text|json",
        value_enum,
        default_value_t,
        global = true,
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) log_format: LogFormat,
    /// Print the result, or the error, as one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The format of a log event.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line of text
    #[default]
    Text,
    /// One JSON object on a line
    Json,
}
