//! The options that name versions of a secret or of a key.

use clap::Args;
use clap::builder::{RangedU64ValueParser, ValueParser};

#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Largest number of versions to print, the newest first [default: 100]
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = version(),
        hide_default_value = true
    )]
    pub(crate) limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct UndeletedVersionArgs {
    /// Version to undelete [default: the newest deleted one]
    #[arg(long, value_name = "VERSION", value_parser = version())]
    pub(crate) version: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyedVersionsArgs {
    /// Version to destroy; can be repeated
    #[arg(long = "version", value_name = "VERSION", required = true, value_parser = version())]
    pub(crate) versions: Vec<u64>,
}

/// Parses the number of a version. Vault returns the latest version as version 0.
pub(crate) fn version() -> ValueParser {
    RangedU64ValueParser::<u64>::new().range(1..=i64::MAX.cast_unsigned()).into()
}
