//! What is remembered of a key beside its value: that its last load failed, what version it had, and
//! whether the value's own lifetime is over.
//!
//! Pure: the caller supplies the time. Where memos are kept belongs to `table`.

use crate::error::Error;
use crate::policy::age::Tick;
use crate::version::Version;

/// What is remembered of a key.
pub(crate) struct Memo<E> {
    /// What callers get until `until` if there is no value.
    answer: Option<Error<E>>,
    /// When the key may be asked for again.
    pub(crate) until: Tick,
    /// The version of a value that is not served any more: no older one may follow it.
    pub(crate) floor: Option<Version>,
    /// The value ended because its own lifetime did: an outage doesn't bring it back.
    pub(crate) has_ended: bool,
}

impl<E> Memo<E> {
    /// Nothing is remembered yet.
    pub(crate) fn blank() -> Self {
        Self { answer: None, until: 0, floor: None, has_ended: false }
    }

    /// The source gave a definite negative response. Versions may begin anew after it.
    pub(crate) fn no(answer: Error<E>, until: Tick) -> Self {
        Self { answer: Some(answer), until, ..Self::blank() }
    }

    /// The lifetime of a value of this version is over.
    pub(crate) fn ended(version: Version) -> Self {
        Self { floor: Some(version), has_ended: true, ..Self::blank() }
    }

    /// A value of this version was too old to be served.
    pub(crate) fn with_floor(self, version: Version) -> Self {
        Self { floor: Some(version), ..self }
    }

    /// Another load failed.
    pub(crate) fn failed(&mut self, answer: Error<E>, until: Tick) {
        self.answer = Some(answer);
        self.until = until;
    }

    /// Whether there is nothing in it any more that matters.
    pub(crate) fn is_past(&self, now: Tick) -> bool {
        self.floor.is_none() && now >= self.until
    }

    /// The answer that needs no load, while it holds.
    pub(crate) fn answer(&self, now: Tick) -> Option<Error<E>> {
        self.answer.clone().filter(|_| now < self.until)
    }
}
