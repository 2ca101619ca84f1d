//! `km sync` as a service: writes the files, and again after each change, until a signal requests
//! the end.

use std::convert::Infallible;
use std::time::Duration;

use km_proxy_adapter::{ErrorKind, KeyManager};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;
use tracing::{info, warn};

use super::notification::Notification;
use super::setup;
use crate::cli::{GlobalArgs, SyncArgs};
use crate::commands::files::Publication;
use crate::commands::values::{Binding, ValueWatcher};
use crate::config;
use crate::error::Failure;
use crate::io::log::WATCH;
use crate::service_manager::notify;
use crate::signals::{IgnoredSignals, TERMINATION, Termination, not_caught};

/// The pause before another attempt to reach Vault at the start.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The files, and the notification of their reader.
struct Service {
    publication: Publication,
    notification: Notification,
    hangup: Signal,
}

/// Writes the files until a signal requests the end. Returns the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &SyncArgs) -> Result<u8, Failure> {
    let mut termination = Termination::catch(TERMINATION, IgnoredSignals::now())?;
    let hangup = signal(SignalKind::hangup()).map_err(|error| not_caught(&error))?;
    let start = async {
        let publication = setup::open(global, args).await?;
        let keys = config::connect_watching(global, "km sync").await?;
        let bindings = setup::bindings(&keys, args, &publication).await?;
        Ok::<_, Failure>((publication, keys, bindings))
    };
    let (publication, keys, bindings) = tokio::select! {
        started = start => started?,
        () = termination.requested() => return Ok(0),
    };
    let mut service = Service { publication, notification: Notification::new(args), hangup };
    let outcome = tokio::select! {
        Err(failure) = service.run(&keys, bindings) => Err(failure),
        () = termination.requested() => Ok(0),
    };
    notify(&NotifyState::Stopping);
    let Service { publication, notification, .. } = service;
    tokio::join!(publication.finish(), notification.stop(), keys.shutdown());
    outcome
}

impl Service {
    /// Writes the files, and again after each change.
    ///
    /// # Errors
    ///
    /// The first values cannot be read or written. Later failures are logged.
    async fn run(
        &mut self,
        keys: &KeyManager,
        bindings: Vec<Binding>,
    ) -> Result<Infallible, Failure> {
        let mut watcher = self.first_values(keys, bindings).await?;
        let files = watcher.values().iter().map(|(name, value)| (name.as_str(), value));
        let change = self.publication.publish(files).await?;
        if self.publication.must_notify_after_start(change.as_ref()) {
            self.notification.send();
        }
        notify(&NotifyState::Ready);
        loop {
            tokio::select! {
                _ = watcher.changed() => {}
                () = self.publication.retry_due() => {}
                _ = self.hangup.recv() => {
                    reload(keys);
                    continue;
                }
                () = self.notification.drive() => continue,
            }
            let files = watcher.values().iter().map(|(name, value)| (name.as_str(), value));
            if self.publication.publish_or_log(files).await.is_some() {
                self.notification.send();
            }
        }
    }

    /// Reads the first values. As long as Vault cannot be reached, the files of an earlier run
    /// remain, if there is one for every name.
    async fn first_values<'k>(
        &mut self,
        keys: &'k KeyManager,
        bindings: Vec<Binding>,
    ) -> Result<ValueWatcher<'k>, Failure> {
        let mut is_first_failure = true;
        loop {
            let failure = match ValueWatcher::new(keys, bindings.clone(), |_| Ok(())).await {
                Ok(watcher) => return Ok(watcher),
                Err(failure) => failure,
            };
            let mut names = bindings.iter().map(|binding| binding.target.as_str());
            if failure.kind() != ErrorKind::Unavailable
                || !self.publication.has_all(&mut names).await
            {
                return Err(failure);
            }
            if std::mem::take(&mut is_first_failure) {
                for (error, _) in failure.problems() {
                    warn!(
                        target: WATCH,
                        error,
                        "cannot read the values: the files of an earlier run remain"
                    );
                }
                notify(&NotifyState::Ready);
            }
            tokio::select! {
                () = sleep(RETRY_INTERVAL) => {}
                _ = self.hangup.recv() => reload(keys),
            }
        }
    }
}

fn reload(keys: &KeyManager) {
    keys.reload_credentials();
    info!(target: WATCH, "credentials reloaded");
}
