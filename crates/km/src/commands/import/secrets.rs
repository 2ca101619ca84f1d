//! Writes the secrets, or compares them with what is stored.

use std::cell::Cell;

use futures_util::{StreamExt as _, stream};
use km_proxy_adapter::{Change, Error, KeyManager, WriteOptions};
use secrecy::SecretString;

use crate::cli::ImportArgs;
use crate::dotenv::Entry;
use crate::error::Failure;
use crate::io::progress;
use crate::signals::{IgnoredSignals, TERMINATION, Termination};

/// The number of concurrent writes. A failure leaves no more of them half done.
const MAX_CONCURRENT_WRITES: usize = 16;

/// What became of a variable.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The secret has this value now, or would have it after an import.
    Done {
        /// What the import changed; unknown if the secret was replaced without a read.
        change: Option<Change>,
        /// The version with the value, if it is known.
        version: Option<u64>,
    },
    /// The secret could not be read or written.
    Failed(Error),
    /// Nothing was sent, because another secret failed or a signal ended the import.
    Skipped,
}

/// A variable with what became of it.
pub(super) type Imported = (String, Outcome);

/// Imports the variables, in their order. After a failure or a signal, writes in flight complete and
/// no other begins.
pub(super) async fn import(
    keys: &KeyManager,
    entries: Vec<Entry>,
    args: &ImportArgs,
) -> Result<Vec<Imported>, Failure> {
    let termination = Termination::catch(TERMINATION, IgnoredSignals::now())?;
    let failed = Cell::new(false);
    let total = entries.len();
    let what = if args.dry_run { "comparing secrets" } else { "writing secrets" };
    let imported = progress::during(what, total, async |progress| {
        let imports = entries.into_iter().map(async |entry| {
            if failed.get() || termination.is_requested() {
                return (entry.name, Outcome::Skipped);
            }
            let outcome = one(keys, &entry, args).await.unwrap_or_else(|error| {
                failed.set(true);
                Outcome::Failed(error)
            });
            progress.advance();
            (entry.name, outcome)
        });
        stream::iter(imports).buffered(MAX_CONCURRENT_WRITES).collect().await
    });
    Ok(imported.await)
}

async fn one(keys: &KeyManager, entry: &Entry, args: &ImportArgs) -> Result<Outcome, Error> {
    let value = SecretString::from(entry.value.as_str());
    let options = WriteOptions::default();
    let (change, version) = match (args.replace, args.dry_run) {
        (true, true) => (None, None),
        (true, false) => (None, Some(keys.write(&entry.name, value, &options).await?.version)),
        (false, true) => (Some(keys.compare(&entry.name, &value).await?), None),
        (false, false) => {
            let (change, version) = keys.update_field(&entry.name, value, &options).await?;
            (Some(change), Some(version))
        }
    };
    Ok(Outcome::Done { change, version })
}
