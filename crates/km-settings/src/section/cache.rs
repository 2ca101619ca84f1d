//! The cache.

use std::time::Duration;

use crate::reader::Reader;
use crate::table::cache::{GENERAL_REFRESH_INTERVAL, MAX_STALE, POLL_INTERVAL, REFRESH_INTERVAL};

/// Returns how long a cached value is served before it is read again; zero disables caching.
pub(crate) fn refresh_interval(reader: &mut Reader<'_>) -> Duration {
    if let Some(found) = reader.find(&REFRESH_INTERVAL) {
        return found.duration(&mut reader.diagnostics).unwrap_or_default();
    }
    let interval = reader.duration(&GENERAL_REFRESH_INTERVAL);
    reader.record.inherit(&REFRESH_INTERVAL, &GENERAL_REFRESH_INTERVAL);
    interval
}

/// Returns the age by which a value in use is read again to notice a change; zero means at the
/// refresh interval alone.
pub(crate) fn poll_interval(reader: &mut Reader<'_>) -> Duration {
    reader.duration(&POLL_INTERVAL)
}

/// Returns how long after the refresh interval a stale value is served while Vault is unavailable.
pub(crate) fn max_stale(reader: &mut Reader<'_>) -> Duration {
    reader.duration(&MAX_STALE)
}
