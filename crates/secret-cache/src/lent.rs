//! What a caller gets: a value lent by the cache, with its age and where it came from.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::{Loaded, Version};

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
/// nobody up, and keeps no other value alive: the value is dropped when the last `Lent` of it and
/// the cache have let go. `Debug` doesn't print the value.
pub struct Lent<V> {
    stored: Arc<Stored<V>>,
    origin: Origin,
    stale: bool,
}

/// A value as the table holds it.
pub(crate) struct Stored<V> {
    pub(crate) value: V,
    pub(crate) version: Version,
    /// When its load began: the source's answer is at least as young as this.
    pub(crate) began: Instant,
}

impl<V> Stored<V> {
    pub(crate) fn new(loaded: Loaded<V>, began: Instant) -> Arc<Self> {
        let Loaded { value, version } = loaded;
        Arc::new(Self { value, version, began })
    }
}

impl<V> Lent<V> {
    pub(crate) fn loaded(stored: Arc<Stored<V>>) -> Self {
        Self { stored, origin: Origin::Loaded, stale: false }
    }

    pub(crate) fn fresh(stored: Arc<Stored<V>>) -> Self {
        Self { stored, origin: Origin::Memory, stale: false }
    }

    pub(crate) fn stale(stored: Arc<Stored<V>>) -> Self {
        Self { stored, origin: Origin::Memory, stale: true }
    }

    /// The same loan for one more caller that waited for it.
    pub(crate) fn share(&self) -> Self {
        Self { stored: Arc::clone(&self.stored), ..*self }
    }

    /// How long ago the load of this value began (or it was put in by a write). Never less than
    /// the true age of the source's answer. Goes on growing while the value is lent.
    pub fn age(&self) -> Duration {
        self.stored.began.elapsed()
    }

    /// The version that the loader or the writer gave.
    pub fn version(&self) -> Version {
        self.stored.version
    }

    /// Whether the value was past its refresh interval when it was lent, whether or not a refresh
    /// has failed yet. A value that was loaded for this caller is never stale.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether the caller waited for a load, or the value was in memory.
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

impl<V> Deref for Lent<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.stored.value
    }
}

impl<V> fmt::Debug for Lent<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent")
            .field("origin", &self.origin)
            .field("stale", &self.stale)
            .field("age", &self.age())
            .field("version", &self.stored.version)
            .finish_non_exhaustive()
    }
}
