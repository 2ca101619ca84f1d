//! What is remembered of a key beside its value: that its loads fail, or what version it had.
//!
//! Pure: the time comes in. Where memos are kept belongs to `table`.

use crate::policy::{Tick, window};
use crate::{Error, Version};

/// How long a failure outlasts its window: the next one within it is one in a row.
const MEMORY: u64 = 60_000_000_000;

/// What the loads of a key have come to.
pub(crate) struct Memo<E> {
    /// What callers get while the key is left in peace and there is no value.
    answer: Option<Error<E>>,
    /// Loads that failed in a row, definite noes aside.
    failures: u32,
    /// When the key may be asked for again.
    pub(crate) until: Tick,
    /// The version of a value that is too old to be served: no older one may follow it.
    pub(crate) floor: Option<Version>,
}

impl<E> Memo<E> {
    /// Nothing but a version that was seen.
    pub(crate) fn blank(floor: Option<Version>) -> Self {
        Self { answer: None, failures: 0, until: 0, floor }
    }

    /// A definite no: the versions may begin anew after it.
    pub(crate) fn no(answer: Error<E>, until: Tick) -> Self {
        Self { answer: Some(answer), failures: 0, until, floor: None }
    }

    /// One more load has failed. With a value the window ends with its right to be served.
    pub(crate) fn failed(&mut self, answer: Error<E>, now: Tick, served_until: Option<Tick>) {
        if now >= self.until.saturating_add(MEMORY) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let until = now.saturating_add(window(self.failures, served_until.is_some()));
        self.until = served_until.map_or(until, |end| end.min(until));
        self.answer = Some(answer);
    }

    /// Whether there is nothing in it any more that matters.
    pub(crate) fn is_past(&self, now: Tick) -> bool {
        self.floor.is_none() && now >= self.until.saturating_add(MEMORY)
    }

    /// The answer that needs no load, while it holds.
    pub(crate) fn answer(&self, now: Tick) -> Option<Error<E>> {
        self.answer.clone().filter(|_| now < self.until)
    }
}
