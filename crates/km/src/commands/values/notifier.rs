//! Change notifications of several names, merged into one.

use std::sync::Arc;

use km_proxy_adapter::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A notifier of changes to any of several names. Its tasks are aborted when it is dropped.
pub(super) struct ChangeNotifier {
    changed: Arc<Notify>,
    _tasks: JoinSet<()>,
}

impl ChangeNotifier {
    pub(super) fn new(handles: Vec<Handle>) -> Self {
        let (changed, mut tasks) = (Arc::new(Notify::new()), JoinSet::new());
        for mut handle in handles {
            let changed = Arc::clone(&changed);
            tasks.spawn(async move {
                loop {
                    // All names are read together, errors included.
                    let _ = handle.changed().await;
                    changed.notify_one();
                }
            });
        }
        Self { changed, _tasks: tasks }
    }

    #[cfg(test)]
    pub(super) fn notify(&self) {
        self.changed.notify_one();
    }

    /// Waits for a change. Changes since the previous call count as one.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}
