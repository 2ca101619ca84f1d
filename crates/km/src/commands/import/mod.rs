//! `km import`: writes the variables of a `.env` file, one secret each.
//!
//! [`mod@file`] reads the file and reports all its problems before anything is sent. [`secrets`] writes,
//! and [`report`] prints what became of each name. An import that ended half way is completed by
//! running it again, because an unchanged value is not written.

mod file;
mod report;
mod secrets;

use km_proxy_adapter::KeyManager;

use crate::cli::ImportArgs;
use crate::error::Failure;

pub(crate) async fn run(keys: &KeyManager, args: ImportArgs, json: bool) -> Result<(), Failure> {
    let entries = file::read(keys, &args).await?;
    let outcomes = secrets::import(keys, entries, &args).await?;
    report::print(&outcomes, args.dry_run, json)?;
    report::failure(outcomes, &args.file)
}
