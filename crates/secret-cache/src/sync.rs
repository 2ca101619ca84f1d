//! What threads meet at. Everything that is shared between readers and writers goes through here, so
//! that `tests/interleavings.rs` can put `loom`'s own in their place and try every order.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

pub(crate) use foldhash::fast::RandomState;
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU16, AtomicUsize};
pub(crate) use std::sync::{Mutex, MutexGuard};

/// A place for one shared value, read without a lock and without counting references.
pub(crate) struct Cell<T>(ArcSwapOption<T>);

impl<T> Cell<T> {
    pub(crate) fn empty() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> Guard<T> {
        Guard(self.0.load())
    }

    /// Puts another value, or none, in; gives back what was there.
    pub(crate) fn swap(&self, new: Option<Arc<T>>) -> Option<Arc<T>> {
        self.0.swap(new)
    }
}

/// Protects what it was loaded from a [`Cell`], and nothing else, for as long as it lives.
///
/// It holds one of eight places that each thread has for this. When they are taken the reference is
/// counted instead: slower, and just as right.
pub(crate) struct Guard<T>(arc_swap::Guard<Option<Arc<T>>>);

impl<T> Guard<T> {
    #[inline(always)]
    pub(crate) fn get(&self) -> Option<&Arc<T>> {
        self.0.as_ref()
    }

    /// A guard that owns its reference: it holds no place of any thread.
    pub(crate) fn owned(arc: Arc<T>) -> Self {
        Self(arc_swap::Guard::from_inner(Some(arc)))
    }
}
