//! How often a caller can force the load of a key.

use crate::error::Error;
use crate::policy::age::Tick;
use crate::version::Version;

/// The minimum time between the starts of two forced loads of one key, in nanoseconds.
const FORCED_INTERVAL: u64 = 1_000_000_000;

/// Returns whether a forced load that began at `began_at` answers a request at `now`.
pub(crate) fn is_recent(began_at: Tick, now: Tick) -> bool {
    now < began_at.saturating_add(FORCED_INTERVAL)
}

/// The result of the last forced load of a key. It contains no value, so that it keeps none in
/// memory.
pub(crate) struct ForcedRecord<E> {
    pub(crate) began_at: Tick,
    pub(crate) before: Option<Version>,
    pub(crate) after: Option<Version>,
    pub(crate) error: Option<Error<E>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forced_load_is_recent_for_a_second_from_its_start() {
        assert!(is_recent(7, 7) && is_recent(7, 6 + FORCED_INTERVAL));
        assert!(!is_recent(7, 7 + FORCED_INTERVAL));
    }
}
