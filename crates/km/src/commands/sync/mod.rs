//! `km sync`: keeps a directory of files equal to the values in Vault.
//!
//! How files are written and replaced is in [`files`](super::files), and how changes are noticed in
//! [`values`](super::values).

mod notification;
mod once;
mod pid_file;
mod service;
mod setup;

use crate::cli::{GlobalArgs, SyncArgs};
use crate::error::Failure;

/// Writes the files, once or until a signal requests the end. Returns the exit code.
pub(crate) async fn run(global: &GlobalArgs, args: SyncArgs) -> Result<u8, Failure> {
    if args.once { once::run(global, &args).await } else { service::run(global, &args).await }
}
