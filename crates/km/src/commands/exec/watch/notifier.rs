//! News of several names, heard together.

use std::sync::Arc;

use km_proxy_adapter::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// News of any name. Its tasks end with it.
pub(super) struct News {
    told: Arc<Notify>,
    _listening: JoinSet<()>,
}

impl News {
    pub(super) fn of(handles: Vec<Handle>) -> Self {
        let (told, mut listening) = (Arc::new(Notify::new()), JoinSet::new());
        for mut handle in handles {
            let told = Arc::clone(&told);
            listening.spawn(async move {
                loop {
                    handle.changed().await;
                    told.notify_one();
                }
            });
        }
        Self { told, _listening: listening }
    }

    /// Waits for some; what came since the last time is some.
    pub(super) async fn next(&self) {
        self.told.notified().await;
    }
}
