//! The number of connections that are accepted, given the limit of open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// The limit of authenticated connections, and of unauthenticated ones beside them.
const MAX_CONNECTIONS: usize = 1024;

/// The limit of connections to the listener for metrics. A scrape uses one.
const METRICS_CONNECTIONS: usize = 16;

/// The number of files reserved for everything but connections: 64 requests to Vault, the
/// listeners, scrapes, credential and certificate files, and the runtime.
const RESERVED_FILES: u64 = 64 + 64;

/// The minimum, which is enough for the pool of a gateway. If the limit of open files is even
/// lower, accepting a connection can fail.
const MIN_CONNECTIONS: usize = 16;

/// The limits of connections to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The limit of connections that have sent a valid token.
    pub(crate) authenticated: usize,
    /// The limit of the others, which are new, send probes, or receive errors.
    pub(crate) unauthenticated: usize,
}

impl Limits {
    /// The limits of the listener for metrics, which needs no token.
    pub(crate) const METRICS: Self =
        Self { authenticated: 0, unauthenticated: METRICS_CONNECTIONS };

    /// Raises the limit of open files to what the system allows, and returns the limits of the
    /// main listener.
    pub(crate) fn of_this_process() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            warn!(%error, "cannot raise the limit of open files");
        }
        let open_files = getrlimit(Resource::Nofile).current;
        let limits = Self::within(open_files);
        if limits.authenticated < MAX_CONNECTIONS {
            let connections = limits.authenticated;
            warn!(
                open_files,
                connections, "the limit of open files reduces the limit of connections"
            );
        }
        limits
    }

    /// Returns the limits for a limit of open files, where `None` means unlimited.
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
    fn connections_and_reserved_files_fit_into_the_limit_of_open_files() {
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
