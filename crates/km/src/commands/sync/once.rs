//! `km sync --once`: writes the files once.

use serde::Serialize;

use super::notification::Notification;
use super::setup::{bindings, open};
use crate::cli::{GlobalArgs, SyncArgs};
use crate::commands::files::{Change, Publication};
use crate::commands::values::resolve_initial;
use crate::config;
use crate::error::Failure;
use crate::io::output;
use crate::signals::{IgnoredSignals, TERMINATION, Termination, interrupted};

/// Writes the files unless a signal requests the end, and prints the names of those that changed.
pub(super) async fn run(global: &GlobalArgs, args: &SyncArgs) -> Result<u8, Failure> {
    let mut termination = Termination::catch(TERMINATION, IgnoredSignals::now())?;
    let mut publication = tokio::select! {
        opened = open(global, args) => opened?,
        () = termination.requested() => return Err(canceled()),
    };
    let mut notification = Notification::new(args);
    let outcome = tokio::select! {
        outcome = write(global, args, &mut publication, &mut notification) => outcome,
        () = termination.requested() => Err(canceled()),
    };
    tokio::join!(publication.finish(), notification.stop());
    print(global, outcome?.map(|change| change.names).unwrap_or_default()).map(|()| 0)
}

async fn write(
    global: &GlobalArgs,
    args: &SyncArgs,
    publication: &mut Publication,
    notification: &mut Notification,
) -> Result<Option<Change>, Failure> {
    let keys = config::connect(global).await?;
    let values = async { resolve_initial(&keys, &bindings(&keys, args, publication).await?).await };
    let values = values.await;
    keys.shutdown().await;
    let values = values?;
    let change = publication.publish(values.iter().map(|(name, value)| (&**name, value))).await?;
    if publication.must_notify_after_start(change.as_ref()) {
        notification.send_and_wait().await?;
    }
    Ok(change)
}

fn print(global: &GlobalArgs, changed: Vec<String>) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document {
        changed: Vec<String>,
    }
    if global.json { output::json(&Document { changed }) } else { output::lines(changed) }
}

fn canceled() -> Failure {
    interrupted("run the command again; the files are complete, either the old or the new ones")
}
