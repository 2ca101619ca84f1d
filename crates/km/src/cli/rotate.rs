//! The arguments of `km rotate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration::duration;

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// Name of the secret, whose current version has the key to replace
    pub(crate) name: String,
    /// Shell command that makes a new key at the provider and prints it
    #[arg(long, value_name = "CMD")]
    pub(crate) with: String,
    /// Shell command that fails if the provider does not accept the key on its stdin
    #[arg(long, value_name = "CMD")]
    pub(crate) verify: Option<String>,
    /// Shell command that revokes the key on its stdin; it must succeed for a revoked key
    #[arg(long, value_name = "CMD")]
    pub(crate) revoke: Option<String>,
    /// Sidecar that must serve the new key before the old one is revoked; repeatable
    #[arg(long = "sidecar", value_name = "unix:PATH|HOST:PORT")]
    pub(crate) sidecars: Vec<String>,
    /// Directory of `km sync` whose file NAME must have the new key before the old one is revoked;
    /// repeatable
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Vec<PathBuf>,
    /// Time from the last confirmation to the revocation, for requests that use the old key
    /// [default: 10s]
    #[arg(long, value_name = "DURATION", default_value = "10s", hide_default_value = true,
          value_parser = duration)]
    pub(crate) settle: Duration,
    /// Time limit for the confirmation by all sidecars and directories [default: 2m]
    #[arg(long, value_name = "DURATION", default_value = "2m", hide_default_value = true,
          value_parser = duration)]
    pub(crate) confirm_timeout: Duration,
    /// Time limit for each command [default: 1m]
    #[arg(long, value_name = "DURATION", default_value = "1m", hide_default_value = true,
          value_parser = duration)]
    pub(crate) command_timeout: Duration,
}
