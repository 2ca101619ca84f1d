//! The current token, which readers access without a lock.
//!
//! Only the driver replaces it, in the order of generations. Readers write no shared memory, except
//! for the use count of use-limited tokens.

use std::sync::atomic::Ordering::Relaxed;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;
use vault_http::{Generation, IssuedToken};

use super::sync::{AtomicU32, Slot};

/// A token with its expiry and its remaining uses.
#[derive(Debug)]
pub(crate) struct CurrentToken {
    pub(crate) issued: IssuedToken,
    /// When callers stop receiving it. `None` if its expiry is not known or it has none.
    pub(crate) usable_until: Option<Instant>,
    uses: Option<Uses>,
}

/// The uses of a use-limited token.
#[derive(Debug)]
struct Uses {
    /// The number that the token was issued with.
    total: u32,
    taken: AtomicU32,
    /// The number of remaining uses at which it is replaced.
    low: u32,
}

/// The result of [`CurrentToken::take_use`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UseTaken {
    /// No use is left.
    No,
    /// The token may be sent once.
    Yes,
    /// The token may be sent once, and few uses remain.
    Low,
    /// The token may be sent once, and this is its last use.
    Last,
}

/// The number of remaining uses at which a token is replaced, so that this precedes the last use.
const LOW_USES: u32 = 2;
/// The number of uses up to which a token is fully used first, because replacing it early would
/// waste half of them.
const FULLY_USED_UP_TO: u32 = 4;

impl CurrentToken {
    pub(crate) fn new(
        mut issued: IssuedToken,
        usable_until: Option<Instant>,
        uses: Option<u32>,
    ) -> Self {
        let uses = uses.map(|total| {
            issued.token = issued.token.clone().counted();
            let low = if total > FULLY_USED_UP_TO { LOW_USES } else { 0 };
            Uses { total, taken: AtomicU32::new(0), low }
        });
        Self { issued, usable_until, uses }
    }

    /// Takes one use if uses are counted. Retries are counted by the token itself, because they are
    /// sent without another call.
    pub(crate) fn take_use(&self) -> UseTaken {
        let Some(uses) = &self.uses else { return UseTaken::Yes };
        let sent = self.issued.token.sent();
        let next = |taken: u32| Some(taken.max(sent) + 1).filter(|taken| *taken <= uses.total);
        // Relaxed, because the count orders no other memory.
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

    /// Returns whether a use is left, or uses are not counted.
    pub(crate) fn has_uses(&self) -> bool {
        let used = |uses: &Uses| uses.taken.load(Relaxed).max(self.issued.token.sent());
        self.uses.as_ref().is_none_or(|uses| used(uses) < uses.total)
    }

    /// Returns whether the token may be sent at `now`.
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        self.has_uses() && self.usable_until.is_none_or(|end| now < end)
    }
}

/// The cell of the current token.
#[derive(Debug, Default)]
pub(crate) struct Current(Slot<CurrentToken>);

impl Current {
    /// Borrows the token for `read`. Returns `None` if there is none.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&CurrentToken) -> R) -> Option<R> {
        self.0.with(|entry| entry.map(read))
    }

    /// Returns the cell itself, for a reader that caches its value.
    pub(crate) fn cell(&self) -> &ArcSwapOption<CurrentToken> {
        self.0.cell()
    }

    /// Replaces the token.
    pub(crate) fn replace(&self, entry: CurrentToken) {
        self.0.store(Some(entry));
    }

    /// Removes the token.
    pub(crate) fn clear(&self) {
        self.0.store(None);
    }

    /// Returns the generation of the token.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.with(|entry| entry.issued.generation)
    }
}
