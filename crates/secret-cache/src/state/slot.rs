//! The place that the handles of one key share: its value without a search, and news of it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::watch;

use crate::map::entry::Stored;
use crate::map::sync::{AtomicUsize, Cell};
use crate::version::Version;

pub(crate) struct Slot<K, V> {
    pub(crate) cell: Cell<Stored<K, V>>,
    /// The version of the last value; none before the first, and after a definite no.
    pub(crate) news: watch::Sender<Option<Version>>,
    watchers: AtomicUsize,
}

impl<K, V> Slot<K, V> {
    pub(crate) fn new(stored: Option<Arc<Stored<K, V>>>) -> Self {
        let news = watch::Sender::new(stored.as_ref().map(|stored| stored.version));
        let cell = Cell::empty();
        cell.swap(stored);
        Self { cell, news, watchers: AtomicUsize::new(0) }
    }

    /// Follows what became of the key. A value of the same version is no news, unless its source
    /// counts none.
    pub(crate) fn put(&self, stored: &Arc<Stored<K, V>>) -> Option<Arc<Stored<K, V>>> {
        let old = self.cell.swap(Some(Arc::clone(stored)));
        self.announce(stored.version);
        old
    }

    /// Reports that a value of this version was loaded.
    pub(crate) fn announce(&self, version: Version) {
        self.news.send_if_modified(|last| {
            let new = Some(version);
            let is_news = *last != new || !version.is_known();
            *last = new;
            is_news
        });
    }

    /// The value is not held any more; whether there is one is open.
    pub(crate) fn forget(&self) -> Option<Arc<Stored<K, V>>> {
        self.cell.swap(None)
    }

    /// There is no value any more.
    pub(crate) fn end(&self) -> Option<Arc<Stored<K, V>>> {
        let old = self.forget();
        self.news.send_if_modified(|last| last.take().is_some());
        old
    }

    /// Whether somebody waits for news: the key is in use, though nobody reads it.
    pub(crate) fn is_watched(&self) -> bool {
        self.watchers.load(Relaxed) > 0
    }

    pub(crate) fn watch(&self) -> Watching<'_> {
        self.watchers.fetch_add(1, Relaxed);
        Watching(&self.watchers)
    }
}

/// One that waits for news, for as long as it does.
pub(crate) struct Watching<'s>(&'s AtomicUsize);

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
