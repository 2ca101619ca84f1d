//! A value that is borrowed from the cache, with its age and origin.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::map::clock;
use crate::map::entry::Entry;
use crate::map::sync::Guard;
use crate::version::Version;

/// Where the value of a [`Ref`] was when the caller requested it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// It was loaded while the caller waited.
    Loaded,
    /// It was in memory.
    Memory,
}

/// A value that is borrowed from a [`Cache`](crate::Cache). It is not cloned.
///
/// It dereferences to the value. It may outlive an invalidation, an eviction and the cache itself,
/// does not block writers, and can be sent to other threads and held across await points. The value is
/// dropped with its last `Ref` once the cache no longer holds it. `Debug` shows neither the key nor
/// the value.
///
/// Each thread can borrow eight values at a time without counting references. A hit beyond these
/// counts one, which causes contention between threads that read the same key. Convert a `Ref` that
/// is held for long with [`into_owned`](Self::into_owned).
pub struct Ref<K, V> {
    guard: Guard<Entry<K, V>>,
    provenance: Provenance,
}

/// How the value was obtained. It is as wide as a word, so that a `Ref` is three words without
/// padding, which are passed in registers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum Provenance {
    Loaded,
    Fresh,
    Stale,
}

impl<K, V> Ref<K, V> {
    /// Creates the reference of a caller that waited for the load of the value.
    pub(crate) fn loaded(entry: Arc<Entry<K, V>>) -> Self {
        Self { guard: Guard::owned(entry), provenance: Provenance::Loaded }
    }

    /// Borrows an entry that can be served without reading the clock, or returns its guard.
    #[inline(always)]
    pub(crate) fn hit(
        found: Option<Guard<Entry<K, V>>>,
        accepts: impl FnOnce(&V) -> bool,
    ) -> Result<Self, Option<Guard<Entry<K, V>>>> {
        let entry = found.as_ref().and_then(Guard::get);
        let is_hit = entry.is_some_and(|entry| entry.is_hit() && accepts(&entry.value));
        match found {
            Some(guard) if is_hit => Ok(Self::cached(guard, false)),
            found => Err(found),
        }
    }

    /// Borrows an entry that is in memory.
    #[inline]
    pub(crate) fn cached(guard: Guard<Entry<K, V>>, is_stale: bool) -> Self {
        let provenance = if is_stale { Provenance::Stale } else { Provenance::Fresh };
        Self { guard, provenance }
    }

    /// Sets the accessed flag of the entry.
    pub(crate) fn mark_accessed(&self) {
        self.entry().mark_accessed();
    }

    /// Returns the same reference for another caller that waited for the value.
    pub(crate) fn share(&self) -> Self {
        Self { guard: Guard::owned(Arc::clone(self.entry())), provenance: self.provenance }
    }

    /// Counts a reference, so that the value doesn't take up one of the eight that the thread can
    /// borrow without counting. Use it for values that are held for long.
    #[must_use]
    pub fn into_owned(self) -> Self {
        self.share()
    }

    /// Returns the key of the value.
    pub fn key(&self) -> &K {
        &self.entry().key
    }

    /// Returns the time since the load of the value began, or since it was written.
    ///
    /// This is never less than the true age of the source's response. It grows while the value is
    /// borrowed.
    pub fn age(&self) -> Duration {
        Duration::from_nanos(clock::now().saturating_sub(self.entry().loaded_at))
    }

    /// Returns the version that the loader or the writer supplied.
    pub fn version(&self) -> Version {
        self.entry().version
    }

    /// Returns whether the value was past its refresh interval when it was borrowed, and its last
    /// load had failed or had been running for more than a second.
    ///
    /// A value that was loaded for this caller is never stale.
    pub fn is_stale(&self) -> bool {
        self.provenance == Provenance::Stale
    }

    /// Returns whether the caller waited for a load or the value was in memory.
    pub fn origin(&self) -> Origin {
        match self.provenance {
            Provenance::Loaded => Origin::Loaded,
            Provenance::Fresh | Provenance::Stale => Origin::Memory,
        }
    }

    #[inline]
    fn entry(&self) -> &Arc<Entry<K, V>> {
        match self.guard.get() {
            Some(entry) => entry,
            // All constructors have seen the entry, and the content of a guard never changes.
            None => unreachable!("a reference without an entry"),
        }
    }
}

impl<K, V> Deref for Ref<K, V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        &self.entry().value
    }
}

/// Shows neither the key nor the value.
impl<K, V> fmt::Debug for Ref<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ref")
            .field("origin", &self.origin())
            .field("stale", &self.is_stale())
            .field("age", &self.age())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
