//! How long values live in memory.

use std::time::Duration;

use crate::reader::Reader;

/// LiteLLM's default, a day.
const REFRESH_INTERVAL: Duration = Duration::from_secs(86_400);
/// Long enough for an outage that people mend, short enough that a revoked key ends the same day.
const MAX_STALE: Duration = Duration::from_secs(3600);

/// How long a read value is served from memory; zero is no caching.
pub(crate) fn refresh_interval(reader: &mut Reader<'_>) -> Duration {
    reader
        .variable("HCP_VAULT_REFRESH_INTERVAL")
        .or_else(|| reader.variable("SECRET_MANAGER_REFRESH_INTERVAL"))
        .and_then(|found| found.duration(&mut reader.notes))
        .unwrap_or(REFRESH_INTERVAL)
}

/// How long past that it may be served while the server can't be asked.
pub(crate) fn max_stale(reader: &mut Reader<'_>) -> Duration {
    reader
        .own("KM_MAX_STALE")
        .and_then(|found| found.duration(&mut reader.notes))
        .unwrap_or(MAX_STALE)
}
