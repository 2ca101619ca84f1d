//! The token in use, as readers find it: they never wait, and nothing they share is written, but
//! for the count of a token that has a number of uses.
//!
//! Only the driver puts tokens in, in the order of their generations.

use std::sync::atomic::Ordering::Relaxed;

use tokio::time::Instant;
use vault_http::{Generation, Lease};

use crate::sync::{Arc, AtomicU32, Slot};

/// A token with what its readers have to know.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) lease: Lease,
    /// When it is given out no more; `None`: no end is known.
    pub(crate) end: Option<Instant>,
    uses: Option<Uses>,
}

/// Uses that are left, and how many make a login due.
#[derive(Debug)]
struct Uses {
    left: AtomicU32,
    low: u32,
}

/// What taking the token came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Its last use is taken already.
    No,
    /// It may be sent once.
    Yes,
    /// The same, and there are few uses left.
    Low,
    /// The same, and this was the last use.
    Last,
}

/// Uses that are left when a login is due, so that it comes before the last.
const LOW: u32 = 2;
/// A token with no more uses than this would be given back half used.
const FEW: u32 = 4;

impl Entry {
    pub(crate) fn new(lease: Lease, end: Option<Instant>, uses: Option<u32>) -> Self {
        let low = |uses| if uses > FEW { LOW } else { 0 };
        let uses = uses.map(|uses| Uses { left: AtomicU32::new(uses), low: low(uses) });
        Self { lease, end, uses }
    }

    /// Takes a use, where they are counted.
    pub(crate) fn take(&self) -> Taken {
        let Some(uses) = &self.uses else { return Taken::Yes };
        // The count guards nothing but itself.
        match uses.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)) {
            Err(_) => Taken::No,
            Ok(1) => Taken::Last,
            Ok(before) if before - 1 == uses.low => Taken::Low,
            Ok(_) => Taken::Yes,
        }
    }

    /// Whether it has a use left at `now`.
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        let left = self.uses.as_ref().is_none_or(|uses| uses.left.load(Relaxed) > 0);
        left && self.end.is_none_or(|end| now < end)
    }
}

/// The place where it is found.
#[derive(Debug, Default)]
pub(crate) struct Current(Slot<Entry>);

impl Current {
    /// Lends the token to `read`, if there is one.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        self.0.load().as_deref().map(read)
    }

    /// The place itself.
    pub(crate) fn slot(&self) -> &Slot<Entry> {
        &self.0
    }

    /// Puts a token in the place of the last one.
    pub(crate) fn serve(&self, entry: Entry) {
        self.0.store(Some(Arc::new(entry)));
    }

    /// Leaves none.
    pub(crate) fn clear(&self) {
        self.0.store(None);
    }

    /// The generation of the token that is there.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.with(|entry| entry.lease.generation)
    }
}
