//! Notifications to the service manager.

use sd_notify::NotifyState;
use tracing::warn;

/// Notifies the service manager, if there is one.
pub(crate) fn notify(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        warn!(%error, "cannot notify the service manager");
    }
}
