//! What is remembered of one key, what it answers, and what the end of a load does to it.
//!
//! Pure: the time comes in, nothing is awaited. Where entries are kept belongs to `table`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::lent::{Lent, Stored};
use crate::policy::{Freshness, Policy, backs_off};
use crate::{Error, Outcome, Version};

/// What is remembered of one key.
pub(crate) enum Entry<V, E> {
    /// A value.
    Held { stored: Arc<Stored<V>>, setback: Option<Setback> },
    /// A definite no, from a load that began then.
    No { error: Arc<E>, began: Instant },
}

/// Failed refreshes in a row.
#[derive(Clone, Copy)]
pub(crate) struct Setback {
    failures: u32,
    last: Instant,
}

/// How a load ended.
pub(crate) enum Report<V, E> {
    Loaded(Arc<Stored<V>>),
    Failed(Arc<E>, Outcome),
    Panicked,
}

/// What all callers get that waited for a load.
pub(crate) type Answer<V, E> = Result<Lent<V>, Error<E>>;

impl<V, E> Entry<V, E> {
    /// A value that has just been loaded or written.
    pub(crate) fn held(stored: &Arc<Stored<V>>) -> Self {
        Self::Held { stored: Arc::clone(stored), setback: None }
    }

    /// Whether a value of this version may take the place of what is remembered.
    pub(crate) fn yields_to(&self, version: Version) -> bool {
        match self {
            Self::Held { stored, .. } => version.replaces(stored.version),
            Self::No { .. } => true,
        }
    }

    /// The answer that needs no load, if there is one.
    pub(crate) fn answer(&self, policy: &Policy, now: Instant) -> Option<Answer<V, E>> {
        match self {
            Self::Held { stored, setback } => match policy.freshness(age(stored.began, now)) {
                Freshness::Fresh => Some(Ok(Lent::fresh(Arc::clone(stored)))),
                Freshness::Stale => setback
                    .filter(|s| backs_off(s.failures, age(s.last, now)))
                    .map(|_| Ok(Lent::stale(Arc::clone(stored)))),
                Freshness::Expired => None,
            },
            Self::No { error, began } => {
                policy.remembers_no(age(*began, now)).then(|| Err(Error::Load(Arc::clone(error))))
            }
        }
    }

    /// The entry after a refresh that brought nothing, and the old value, if it may be served still.
    fn endure(&self, policy: &Policy, now: Instant) -> Option<(Self, Lent<V>)> {
        let Self::Held { stored, setback } = self else {
            return None;
        };
        if policy.freshness(age(stored.began, now)) == Freshness::Expired {
            return None;
        }
        let failures = setback.map_or(0, |s| s.failures).saturating_add(1);
        let setback = Some(Setback { failures, last: now });
        let entry = Self::Held { stored: Arc::clone(stored), setback };
        Some((entry, Lent::stale(Arc::clone(stored))))
    }
}

/// What becomes of an entry.
pub(crate) enum Change<V, E> {
    Keep,
    Put(Entry<V, E>),
    Remove,
}

/// What the end of a load that began at `began` does to the key's entry, and the answer for those
/// that waited.
pub(crate) fn settle<V, E>(
    policy: &Policy,
    entry: Option<&Entry<V, E>>,
    report: &Report<V, E>,
    began: Instant,
    now: Instant,
) -> (Change<V, E>, Answer<V, E>) {
    let failure = match report {
        Report::Loaded(new) if entry.is_none_or(|entry| entry.yields_to(new.version)) => {
            return (Change::Put(Entry::held(new)), Ok(Lent::loaded(Arc::clone(new))));
        }
        Report::Failed(error, Outcome::Absent | Outcome::Refused) => {
            let change = if policy.remembers_no(age(began, now)) {
                Change::Put(Entry::No { error: Arc::clone(error), began })
            } else {
                Change::Remove
            };
            return (change, Err(Error::Load(Arc::clone(error))));
        }
        Report::Loaded(_) => Error::Outdated,
        Report::Failed(error, Outcome::Unreachable) => Error::Load(Arc::clone(error)),
        Report::Panicked => Error::Panicked,
    };
    match entry.and_then(|entry| entry.endure(policy, now)) {
        Some((entry, lent)) => (Change::Put(entry), Ok(lent)),
        // An expired value stays, unserved, for its version: an older one still may not follow it.
        None => (Change::Keep, Err(failure)),
    }
}

fn age(since: Instant, now: Instant) -> Duration {
    now.saturating_duration_since(since)
}
