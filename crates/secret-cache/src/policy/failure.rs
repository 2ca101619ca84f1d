//! What is remembered of a key whose last load failed or whose value has expired.

use crate::error::Error;
use crate::policy::age::Tick;
use crate::version::Version;

/// The record of a key whose last load failed or whose value has expired.
pub(crate) struct FailureRecord<E> {
    /// What callers receive before `retry_at` if there is no value.
    error: Option<Error<E>>,
    /// When the key may be loaded again.
    pub(crate) retry_at: Tick,
    /// The version of the value that is no longer served. An older one may not follow it.
    pub(crate) min_version: Option<Version>,
    /// Whether the value's own lifetime is over, in which case an outage doesn't bring it back.
    pub(crate) lifetime_over: bool,
}

impl<E> FailureRecord<E> {
    pub(crate) fn empty() -> Self {
        Self { error: None, retry_at: 0, min_version: None, lifetime_over: false }
    }

    /// Creates the record of a negative response. Versions may start anew after it.
    pub(crate) fn negative(error: Error<E>, retry_at: Tick) -> Self {
        Self { error: Some(error), retry_at, ..Self::empty() }
    }

    /// Creates the record of a value of this version whose own lifetime is over.
    pub(crate) fn lifetime_over(version: Version) -> Self {
        Self { min_version: Some(version), lifetime_over: true, ..Self::empty() }
    }

    pub(crate) fn with_min_version(self, version: Version) -> Self {
        Self { min_version: Some(version), ..self }
    }

    /// Records that another load failed.
    pub(crate) fn failed(&mut self, error: Error<E>, retry_at: Tick) {
        self.error = Some(error);
        self.retry_at = retry_at;
    }

    /// Returns whether the record has no effect any longer.
    pub(crate) fn is_obsolete(&self, now: Tick) -> bool {
        self.min_version.is_none() && now >= self.retry_at
    }

    /// Returns the error of the last load, if it failed.
    pub(crate) fn last_error(&self) -> Option<&Error<E>> {
        self.error.as_ref()
    }

    /// Returns the cached error unless the key may be loaded again.
    pub(crate) fn error(&self, now: Tick) -> Option<Error<E>> {
        self.error.clone().filter(|_| now < self.retry_at)
    }
}
