//! How many connections are accepted, given the files that this process may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Connections of clients with the token, and as many again of clients that have not shown it.
const MAX_CONNECTIONS: usize = 1024;

/// Connections to the listener for metrics alone: a scrape takes one.
const METRICS_CONNECTIONS: usize = 16;

/// Files that are kept free for everything but connections: 64 requests to Vault, the listeners,
/// the metrics' connections, credential and certificate files, and the runtime.
const RESERVED_FILES: u64 = 64 + 64;

/// Enough for a gateway's pool. With fewer files than that, accepting a connection can fail.
const MIN_CONNECTIONS: usize = 16;

/// The connections of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Those that have shown the token.
    pub(crate) authenticated: usize,
    /// Those that have not: they are new, probes, or get an error.
    pub(crate) unauthenticated: usize,
}

impl Limits {
    /// The limits of the listener for metrics, which asks for no token.
    pub(crate) const METRICS: Self =
        Self { authenticated: 0, unauthenticated: METRICS_CONNECTIONS };

    /// Raises the number of open files to what the system allows, and returns the limits of the
    /// main listener.
    pub(crate) fn of_this_process() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            warn!(%error, "the limit of open files cannot be raised");
        }
        let open_files = getrlimit(Resource::Nofile).current;
        let limits = Self::within(open_files);
        if limits.authenticated < MAX_CONNECTIONS {
            let connections = limits.authenticated;
            warn!(open_files, connections, "the limit of open files lowers that of connections");
        }
        limits
    }

    /// Returns the limits for so many open files; `None` is no limit.
    fn within(open_files: Option<u64>) -> Self {
        let available = open_files.unwrap_or(u64::MAX).saturating_sub(RESERVED_FILES) / 2;
        let each = usize::try_from(available).unwrap_or(usize::MAX);
        let each = each.clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
        Self { authenticated: each, unauthenticated: each }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_and_the_reserve_fit_into_the_limit_of_open_files() {
        for (open_files, expected) in [
            (None, 1024),
            (Some(1 << 20), 1024),
            (Some(2176), 1024),
            (Some(2174), 1023),
            (Some(1024), 448),
            (Some(256), 64),
            (Some(128), 16),
            (Some(0), 16),
        ] {
            let limits = Limits::within(open_files);
            assert_eq!(limits, Limits { authenticated: expected, unauthenticated: expected });
        }
    }
}
