//! The slot that the handles of one key share: its entry without a lookup, and its changes.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::watch;

use crate::map::entry::Entry;
use crate::map::sync::{AtomicUsize, Cell};
use crate::version::Version;

/// The shared part of the handles of one key.
pub(crate) struct Slot<K, V> {
    pub(crate) cell: Cell<Entry<K, V>>,
    /// The version of the last value; `None` before the first one and after a negative response.
    pub(crate) version: watch::Sender<Option<Version>>,
    watchers: AtomicUsize,
}

impl<K, V> Slot<K, V> {
    pub(crate) fn new(entry: Option<Arc<Entry<K, V>>>) -> Self {
        let version = watch::Sender::new(entry.as_ref().map(|entry| entry.version));
        let cell = Cell::empty();
        cell.swap(entry);
        Self { cell, version, watchers: AtomicUsize::new(0) }
    }

    /// Sets the entry, announces its version, and returns the previous entry.
    pub(crate) fn set(&self, entry: &Arc<Entry<K, V>>) -> Option<Arc<Entry<K, V>>> {
        let old = self.cell.swap(Some(Arc::clone(entry)));
        self.announce(entry.version);
        old
    }

    /// Announces that a value was loaded. The same version is not a change, unless the source has
    /// no versions.
    pub(crate) fn announce(&self, version: Version) {
        self.version.send_if_modified(|last| {
            let new = Some(version);
            let is_change = *last != new || !version.is_known();
            *last = new;
            is_change
        });
    }

    /// Removes the entry, which says nothing about the value in the source.
    pub(crate) fn clear(&self) -> Option<Arc<Entry<K, V>>> {
        self.cell.swap(None)
    }

    /// Removes the entry, and announces that there is no value any longer.
    pub(crate) fn clear_and_announce(&self) -> Option<Arc<Entry<K, V>>> {
        let old = self.clear();
        self.version.send_if_modified(|last| last.take().is_some());
        old
    }

    /// Returns whether a caller awaits changes, so that the key counts as used.
    pub(crate) fn is_watched(&self) -> bool {
        self.watchers.load(Relaxed) > 0
    }

    /// Marks the key as watched until the guard is dropped.
    pub(crate) fn watch(&self) -> WatchGuard<'_> {
        self.watchers.fetch_add(1, Relaxed);
        WatchGuard(&self.watchers)
    }
}

/// A caller that awaits changes.
pub(crate) struct WatchGuard<'s>(&'s AtomicUsize);

impl Drop for WatchGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
