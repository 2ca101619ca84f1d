//! What a caller gets: a value lent by the cache, with its age and where it came from.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::map::clock;
use crate::map::entry::Stored;
use crate::map::sync::Guard;
use crate::version::Version;

/// Where a lent value was when it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// It was loaded while the caller waited.
    Loaded,
    /// It was in memory already.
    Memory,
}

/// A value lent by a [`Cache`](crate::Cache), not cloned.
///
/// It dereferences to the value. It outlives an invalidation, an eviction and the cache, holds
/// nobody up, may cross threads and awaits, and keeps no other value alive: the value is dropped
/// when the last `Ref` of it and the cache have let go. `Debug` prints neither key nor value.
///
/// Each thread has eight places for the values that it borrows at a time; while they are taken, a
/// hit counts references instead, which threads that read one name feel.
/// Convert what is held for long with [`into_owned`](Self::into_owned), and its slot is free.
pub struct Ref<K, V> {
    guard: Guard<Stored<K, V>>,
    how: How,
}

/// How it came to be lent. As wide as a word, so that a loan is three words without gaps: it is moved
/// in registers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum How {
    Loaded,
    Fresh,
    Stale,
}

impl<K, V> Ref<K, V> {
    /// A value that was loaded while the caller waited; for one of all that did.
    pub(crate) fn loaded(stored: Arc<Stored<K, V>>) -> Self {
        Self { guard: Guard::owned(stored), how: How::Loaded }
    }

    /// Borrows an entry that can be served without a look at the clock, or returns its guard.
    #[inline(always)]
    pub(crate) fn plain(
        found: Option<Guard<Stored<K, V>>>,
        accepts: impl FnOnce(&V) -> bool,
    ) -> Result<Self, Option<Guard<Stored<K, V>>>> {
        let stored = found.as_ref().and_then(Guard::get);
        let serves = stored.is_some_and(|stored| stored.is_plain() && accepts(&stored.value));
        match found {
            Some(guard) if serves => Ok(Self::held(guard, false)),
            found => Err(found),
        }
    }

    #[inline]
    pub(crate) fn held(guard: Guard<Stored<K, V>>, stale: bool) -> Self {
        Self { guard, how: if stale { How::Stale } else { How::Fresh } }
    }

    /// Notes that the caller which waited for it has got it.
    pub(crate) fn see(&self) {
        self.stored().see();
    }

    /// The same loan for one more caller that waited for it.
    pub(crate) fn share(&self) -> Self {
        Self { guard: Guard::owned(Arc::clone(self.stored())), how: self.how }
    }

    /// The same loan with a reference of its own, for one that is held for long.
    #[must_use]
    pub fn into_owned(self) -> Self {
        self.share()
    }

    /// The key that it is the value of.
    pub fn key(&self) -> &K {
        &self.stored().key
    }

    /// How long ago the load of this value began (or it was put in by a write). Never less than
    /// the true age of the source's answer. Goes on growing while the value is lent.
    pub fn age(&self) -> Duration {
        Duration::from_nanos(clock::now().saturating_sub(self.stored().began))
    }

    /// The version that the loader or the writer gave.
    pub fn version(&self) -> Version {
        self.stored().version
    }

    /// Whether the value was past its refresh interval when it was lent, and the last load of it had
    /// failed or had been running for more than a second. A value that was loaded for this caller is
    /// never stale.
    pub fn is_stale(&self) -> bool {
        self.how == How::Stale
    }

    /// Whether the caller waited for a load, or the value was in memory.
    pub fn origin(&self) -> Origin {
        match self.how {
            How::Loaded => Origin::Loaded,
            How::Fresh | How::Stale => Origin::Memory,
        }
    }

    #[inline]
    fn stored(&self) -> &Arc<Stored<K, V>> {
        match self.guard.get() {
            Some(stored) => stored,
            // Both ways to make one have seen the value, and a guard's content never changes.
            None => unreachable!("a loan without a value"),
        }
    }
}

impl<K, V> Deref for Ref<K, V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        &self.stored().value
    }
}

impl<K, V> fmt::Debug for Ref<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent")
            .field("origin", &self.origin())
            .field("stale", &self.is_stale())
            .field("age", &self.age())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
