//! The synchronization primitives of this crate. In unit tests they are loom's, so that
//! `interleavings.rs` can explore all interleavings of threads.
//!
//! The switch is `cfg(test)` and not `cfg(loom)`, because Tokio has no `tokio::net` under
//! `cfg(loom)`, without which the HTTP client does not compile.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

#[cfg(not(test))]
pub(crate) use std::sync::{Mutex, atomic::AtomicU32};

#[cfg(test)]
pub(crate) use loom::sync::{Mutex, atomic::AtomicU32};

/// A value that is read without a lock and replaced as a whole.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    value: ArcSwapOption<T>,
    /// A point at which loom may switch threads. It cannot instrument `arc-swap`.
    #[cfg(test)]
    switch_point: Mutex<()>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            value: ArcSwapOption::empty(),
            #[cfg(test)]
            switch_point: Mutex::new(()),
        }
    }
}

impl<T> Slot<T> {
    /// Borrows the value for `read`.
    pub(crate) fn with<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
        #[cfg(test)]
        drop(self.switch_point.lock());
        read(self.value.load().as_deref())
    }

    /// Replaces the value.
    pub(crate) fn store(&self, value: Option<T>) {
        #[cfg(test)]
        drop(self.switch_point.lock());
        self.value.store(value.map(Arc::new));
    }

    /// Returns the cell itself, for a reader that caches its value.
    pub(crate) fn cell(&self) -> &ArcSwapOption<T> {
        &self.value
    }
}
