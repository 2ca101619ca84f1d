//! The synchronization primitives that readers and writers of the entries share. In unit tests they
//! are loom's, so that `state/interleavings.rs` can explore all interleavings of threads.
//!
//! The switch is `cfg(test)` and not `cfg(loom)`, because Tokio has no `tokio::net` under
//! `cfg(loom)`, which other crates of a build need. It needs no CI run of its own: `cargo test`
//! runs the unit tests with loom's primitives and the integration tests with the standard
//! library's.

#[cfg(not(test))]
pub(crate) use foldhash::fast::RandomState;
#[cfg(not(test))]
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU16, AtomicUsize};
#[cfg(not(test))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(test)]
pub(crate) use foldhash::fast::FixedState as RandomState;
#[cfg(test)]
pub(crate) use loom::sync::atomic::{AtomicU8, AtomicU16, AtomicUsize};
#[cfg(test)]
pub(crate) use loom::sync::{Mutex, MutexGuard};

pub(crate) use cell::{Cell, Guard};

#[cfg(not(test))]
mod cell {
    use std::sync::Arc;

    use arc_swap::ArcSwapOption;

    /// A cell for one shared value. It is read without a lock and without counting references.
    pub(crate) struct Cell<T>(ArcSwapOption<T>);

    impl<T> Cell<T> {
        pub(crate) fn empty() -> Self {
            Self(ArcSwapOption::const_empty())
        }

        #[inline(always)]
        pub(crate) fn load(&self) -> Guard<T> {
            Guard(self.0.load())
        }

        /// Replaces the value and returns the previous one.
        pub(crate) fn swap(&self, new: Option<Arc<T>>) -> Option<Arc<T>> {
            self.0.swap(new)
        }
    }

    /// Protects the value that it was loaded with from being dropped, and no other.
    ///
    /// It occupies one of the eight debt slots of its thread. While these are taken, `arc-swap`
    /// counts the reference instead, which is slower.
    pub(crate) struct Guard<T>(arc_swap::Guard<Option<Arc<T>>>);

    impl<T> Guard<T> {
        #[inline(always)]
        pub(crate) fn get(&self) -> Option<&Arc<T>> {
            self.0.as_ref()
        }

        /// A guard with a counted reference, which occupies no slot of any thread.
        pub(crate) fn owned(arc: Arc<T>) -> Self {
            Self(arc_swap::Guard::from_inner(Some(arc)))
        }
    }
}

/// A lock, because loom cannot instrument `arc-swap`; that crate's own tests cover its internals.
#[cfg(test)]
mod cell {
    use std::sync::Arc;

    use loom::sync::Mutex;

    pub(crate) struct Cell<T>(Mutex<Option<Arc<T>>>);

    impl<T> Cell<T> {
        pub(crate) fn empty() -> Self {
            Self(Mutex::new(None))
        }

        pub(crate) fn load(&self) -> Guard<T> {
            Guard(self.0.lock().unwrap().clone())
        }

        pub(crate) fn swap(&self, new: Option<Arc<T>>) -> Option<Arc<T>> {
            std::mem::replace(&mut *self.0.lock().unwrap(), new)
        }
    }

    pub(crate) struct Guard<T>(Option<Arc<T>>);

    impl<T> Guard<T> {
        pub(crate) fn get(&self) -> Option<&Arc<T>> {
            self.0.as_ref()
        }

        pub(crate) fn owned(arc: Arc<T>) -> Self {
            Self(Some(arc))
        }
    }
}
