//! What the outcomes of requests show about the server, for operators.
//!
//! Every request that is sent is observed, and nothing waits for an observation. Whether requests
//! are sent at all during an outage is decided by [`super::availability`].

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::request::{HEALTH, Request};
use crate::response::Response;

/// The maximum length of a version, in bytes. Versions of Vault have about ten.
const MAX_VERSION_BYTES: usize = 64;

/// The state of the server, as the requests of a [`Client`](crate::Client) have shown it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ServerStatus {
    /// Whether the server responded to the last request; `None` before the first one.
    pub reachable: Option<bool>,
    /// The time since `reachable` has its value.
    pub since: Option<Duration>,
    /// Whether the server is sealed or not initialized; `None` if that is not known, for example
    /// because it can't be reached.
    pub sealed: Option<bool>,
    /// The version that it last reported in `sys/health`.
    pub version: Option<String>,
    /// The error of the last request, if it concerns every request: the server can't be reached or
    /// can't serve requests.
    pub error: Option<Error>,
    /// The time since the last request ended.
    pub age: Option<Duration>,
}

/// Observes the outcomes of requests.
#[derive(Debug, Default)]
pub(super) struct ServerObserver(Mutex<Option<Observation>>);

#[derive(Debug)]
struct Observation {
    reachable: bool,
    since: Instant,
    at: Instant,
    sealed: Option<bool>,
    version: Option<String>,
    error: Option<Error>,
}

/// The body of `sys/health`.
#[derive(Deserialize)]
struct Health {
    initialized: bool,
    sealed: bool,
    version: Option<String>,
}

impl ServerObserver {
    /// Returns the status.
    pub(super) fn status(&self) -> ServerStatus {
        let state = self.lock();
        let Some(last) = &*state else { return ServerStatus::default() };
        ServerStatus {
            reachable: Some(last.reachable),
            since: Some(last.since.elapsed()),
            sealed: last.sealed,
            version: last.version.clone(),
            error: last.error.clone(),
            age: Some(last.at.elapsed()),
        }
    }

    /// Records the outcome of a request that was sent.
    pub(super) fn record(&self, request: &Request, outcome: &Result<Response, Error>) {
        let health = match outcome {
            Ok(response) if request.path == HEALTH => response.json::<Health>().ok(),
            _ => None,
        };
        let error = outcome.as_ref().err();
        let (reachable, now) = (error.is_none_or(|error| error.status().is_some()), Instant::now());
        let sealed = match &health {
            Some(health) => Some(health.sealed || !health.initialized),
            None => is_sealed(request, error),
        };
        let version = health.and_then(|health| health.version);
        let version = version.filter(|version| version.len() <= MAX_VERSION_BYTES);
        let error = error.filter(|error| concerns_all_requests(error.kind())).cloned();
        let mut state = self.lock();
        let last = state.take();
        let since = last.as_ref().filter(|last| last.reachable == reachable);
        *state = Some(Observation {
            reachable,
            since: since.map_or(now, |last| last.since),
            at: now,
            sealed: sealed.or_else(|| last.as_ref()?.sealed.filter(|_| reachable)),
            version: version.or_else(|| last.and_then(|last| last.version)),
            error,
        });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Observation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether the server is sealed, if the outcome of an ordinary request shows that. A sealed
/// server still responds to requests below `sys`.
fn is_sealed(request: &Request, error: Option<&Error>) -> Option<bool> {
    match error.map(Error::kind) {
        Some(ErrorKind::Sealed) => Some(true),
        None if !request.path.decoded().starts_with("sys/") => Some(false),
        _ => None,
    }
}

/// Returns whether an error of this kind is about the server rather than about one request.
fn concerns_all_requests(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Unreachable
        | ErrorKind::Tls
        | ErrorKind::Timeout
        | ErrorKind::Interrupted
        | ErrorKind::Sealed
        | ErrorKind::NoLeader
        | ErrorKind::RateLimited
        | ErrorKind::Server
        | ErrorKind::Malformed
        | ErrorKind::Redirected => true,
        ErrorKind::Overloaded
        | ErrorKind::NamespaceLocked
        | ErrorKind::NamespaceSealed
        | ErrorKind::ReplicationLag
        | ErrorKind::Upgrading
        | ErrorKind::TokenInvalid
        | ErrorKind::Denied
        | ErrorKind::Forbidden
        | ErrorKind::LoginRefused
        | ErrorKind::NotFound
        | ErrorKind::NoMount
        | ErrorKind::NoNamespace
        | ErrorKind::CasMismatch
        | ErrorKind::CasRequired
        | ErrorKind::TooLarge
        | ErrorKind::Rejected => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::path::ApiPath;

    fn response(request: &Request, body: &str) -> Response {
        Response::new(StatusCode::OK, body.as_bytes().to_vec().into(), request)
    }

    fn failed(request: &Request, kind: ErrorKind, status: Option<u16>) -> Result<Response, Error> {
        let error = request.error(kind);
        Err(match status {
            Some(status) => error.with_status(StatusCode::from_u16(status).unwrap()),
            None => error,
        })
    }

    /// The outcomes of three kinds of request, and the expected status after each: reachable,
    /// sealed, version, kind of the error.
    #[tokio::test(start_paused = true)]
    async fn status_follows_the_outcomes_of_requests() {
        let observer = ServerObserver::default();
        assert_eq!(observer.status().reachable, None);
        let health = Request::health();
        let read = Request::get(ApiPath::from_static("secret/data/a"));
        let sys = Request::get(ApiPath::from_static("sys/leader"));
        let up = r#"{"initialized":true,"sealed":false,"version":"1.21.2"}"#;
        let sealed = r#"{"initialized":true,"sealed":true,"version":"1.22.0"}"#;
        let (v1, v2) = (Some("1.21.2"), Some("1.22.0"));
        for (step, request, outcome, expected) in [
            (0, &read, Ok(response(&read, "{}")), (true, Some(false), None, None)),
            (1, &health, Ok(response(&health, up)), (true, Some(false), v1, None)),
            (
                2,
                &read,
                failed(&read, ErrorKind::NotFound, Some(404)),
                (true, Some(false), v1, None),
            ),
            (
                3,
                &read,
                failed(&read, ErrorKind::Sealed, Some(503)),
                (true, Some(true), v1, Some(ErrorKind::Sealed)),
            ),
            (4, &sys, Ok(response(&sys, "{}")), (true, Some(true), v1, None)),
            (5, &health, Ok(response(&health, sealed)), (true, Some(true), v2, None)),
            (
                6,
                &read,
                failed(&read, ErrorKind::Unreachable, None),
                (false, None, v2, Some(ErrorKind::Unreachable)),
            ),
            (7, &read, Ok(response(&read, "{}")), (true, Some(false), v2, None)),
        ] {
            observer.record(request, &outcome);
            let status = observer.status();
            let actual = (
                status.reachable == Some(true),
                status.sealed,
                status.version.as_deref(),
                status.error.as_ref().map(Error::kind),
            );
            assert_eq!(actual, expected, "step {step}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn since_counts_from_the_change_and_age_from_the_last_request() {
        let (observer, request) = (ServerObserver::default(), Request::health());
        let second = Duration::from_secs(1);
        for (outcome, since) in [
            (failed(&request, ErrorKind::Timeout, None), 0),
            (failed(&request, ErrorKind::Unreachable, None), 1),
            (failed(&request, ErrorKind::Server, Some(500)), 0),
            (Ok(response(&request, "{}")), 1),
        ] {
            observer.record(&request, &outcome);
            let status = observer.status();
            assert_eq!((status.since, status.age), (Some(since * second), Some(Duration::ZERO)));
            tokio::time::advance(second).await;
        }
        assert_eq!(observer.status().age, Some(second));
    }

    #[test]
    fn long_version_is_ignored() {
        let (observer, request) = (ServerObserver::default(), Request::health());
        let long = "1".repeat(MAX_VERSION_BYTES + 1);
        let body = format!(r#"{{"initialized":true,"sealed":false,"version":"{long}"}}"#);
        observer.record(&request, &Ok(response(&request, &body)));
        assert_eq!(observer.status().version, None);
    }
}
