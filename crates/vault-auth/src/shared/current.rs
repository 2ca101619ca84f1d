//! The token in use, as readers find it: they never wait, and nothing they share is written, but
//! for the count of a token that has a number of uses.
//!
//! Only the driver puts tokens in, in the order of their generations.

use std::sync::atomic::Ordering::Relaxed;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;
use vault_http::{Generation, IssuedToken};

use super::sync::{AtomicU32, Slot};

/// A token with what its readers have to know.
#[derive(Debug)]
pub(crate) struct CurrentToken {
    pub(crate) issued: IssuedToken,
    /// When it is given out no more; `None`: no end is known.
    pub(crate) usable_until: Option<Instant>,
    uses: Option<Uses>,
}

/// How many uses a token came with, how many are taken, and how few make a login due.
#[derive(Debug)]
struct Uses {
    total: u32,
    taken: AtomicU32,
    low: u32,
}

/// What taking the token came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UseTaken {
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
const LOW_USES: u32 = 2;
/// A token with no more uses than this would be given back half used.
const TOO_FEW_USES: u32 = 4;

impl CurrentToken {
    pub(crate) fn new(mut lease: IssuedToken, end: Option<Instant>, uses: Option<u32>) -> Self {
        let uses = uses.map(|total| {
            lease.token = lease.token.clone().counted();
            let low = if total > TOO_FEW_USES { LOW_USES } else { 0 };
            Uses { total, taken: AtomicU32::new(0), low }
        });
        Self { issued: lease, usable_until: end, uses }
    }

    /// Takes a use, if they are counted. Retries that were sent without asking have taken theirs.
    pub(crate) fn take_use(&self) -> UseTaken {
        let Some(uses) = &self.uses else { return UseTaken::Yes };
        let sent = self.issued.token.sent();
        let next = |taken: u32| Some(taken.max(sent) + 1).filter(|taken| *taken <= uses.total);
        // The count guards nothing but itself.
        let Ok(before) = uses.taken.fetch_update(Relaxed, Relaxed, next) else {
            return UseTaken::No;
        };
        let left = uses.total - (before.max(sent) + 1);
        if left == 0 {
            UseTaken::Last
        } else if left <= uses.low && uses.total - before > uses.low {
            UseTaken::Low
        } else {
            UseTaken::Yes
        }
    }

    /// Returns whether it has a use left, if they are counted.
    pub(crate) fn has_uses(&self) -> bool {
        let used = |uses: &Uses| uses.taken.load(Relaxed).max(self.issued.token.sent());
        self.uses.as_ref().is_none_or(|uses| used(uses) < uses.total)
    }

    /// Returns whether it may be sent at `now`.
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        self.has_uses() && self.usable_until.is_none_or(|end| now < end)
    }
}

/// The place where it is found.
#[derive(Debug, Default)]
pub(crate) struct Current(Slot<CurrentToken>);

impl Current {
    /// Borrows the token for `read`, if there is one.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&CurrentToken) -> R) -> Option<R> {
        self.0.with(|entry| entry.map(read))
    }

    /// The cell that holds it, for a reader that caches what it saw last.
    pub(crate) fn cell(&self) -> &ArcSwapOption<CurrentToken> {
        self.0.cell()
    }

    /// Puts a token in the place of the last one.
    pub(crate) fn replace(&self, entry: CurrentToken) {
        self.0.store(Some(entry));
    }

    /// Leaves none.
    pub(crate) fn clear(&self) {
        self.0.store(None);
    }

    /// The generation of the token that is there.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.with(|entry| entry.issued.generation)
    }
}
