//! The cluster's active node, according to the configured address.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::origin::Origin;
use crate::path::ApiPath;
use crate::request::Request;
use crate::response::Response;

const SYS_LEADER: ApiPath = ApiPath::from_static("sys/leader");

/// The time for which a confirmed leader is not confirmed again: about that of an election.
const CONFIRMED_TTL: Duration = Duration::from_secs(10);

/// The response of [`sys/leader`](https://developer.hashicorp.com/vault/api-docs/system/leader).
#[derive(Deserialize)]
struct LeaderStatus {
    leader_address: String,
}

/// A cache of the last response of `sys/leader`.
#[derive(Debug, Default)]
pub(super) struct LeaderCache {
    /// Locked by the request in flight, so that there is at most one.
    request: tokio::sync::Mutex<()>,
    entry: Mutex<Option<CachedLeader>>,
}

#[derive(Debug)]
struct CachedLeader {
    leader_address: String,
    loaded_at: Instant,
}

impl LeaderCache {
    /// Returns the request for the leader, which needs no token.
    pub(super) fn request() -> Request {
        Request::get(SYS_LEADER)
    }

    /// Returns whether `origin` is the active node. Unless that is cached, calls `fetch` to send
    /// [`request`](Self::request). Concurrent callers share one request.
    pub(super) async fn confirm<F: Future<Output = Option<Response>>>(
        &self,
        origin: &Origin,
        fetch: impl FnOnce() -> F,
    ) -> bool {
        if self.get(origin, CONFIRMED_TTL) == Some(true) {
            return true;
        }
        let waiting_since = Instant::now();
        let _request = self.request.lock().await;
        if let Some(is_leader) = self.get(origin, waiting_since.elapsed()) {
            return is_leader;
        }
        let status = fetch().await.and_then(|response| response.json::<LeaderStatus>().ok());
        let leader_address = status.map(|status| status.leader_address).unwrap_or_default();
        let is_leader = origin.is_leader(&leader_address);
        let entry = CachedLeader { leader_address, loaded_at: Instant::now() };
        *self.entry.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
        is_leader
    }

    /// Returns whether `origin` is the active node, if there is an entry younger than `max_age`.
    fn get(&self, origin: &Origin, max_age: Duration) -> Option<bool> {
        let entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entry.as_ref().filter(|entry| entry.loaded_at.elapsed() < max_age)?;
        Some(origin.is_leader(&entry.leader_address))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use http::StatusCode;

    use super::*;
    use crate::zeroizing::ZeroizingBytes;

    async fn fetch(requests: &AtomicU32, body: &str) -> Option<Response> {
        requests.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let body = ZeroizingBytes::new(body.as_bytes().to_vec());
        Some(Response::new(StatusCode::OK, body, &LeaderCache::request()))
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_callers_share_one_request_and_a_confirmed_leader_is_cached() {
        let origin = |text: &str| Origin::of(&text.parse().unwrap()).unwrap();
        let (node, stranger) = (origin("https://node2:8200/"), origin("https://node3:8200/"));
        let (leader, requests) = (LeaderCache::default(), AtomicU32::new(0));
        let body = r#"{"leader_address":"https://node2:8200"}"#;
        let confirm = |origin| leader.confirm(origin, || fetch(&requests, body));
        let confirmed =
            tokio::join!(confirm(&node), confirm(&node), confirm(&stranger), confirm(&node));
        assert_eq!((confirmed, requests.load(Relaxed)), ((true, true, false, true), 1));
        assert!(confirm(&node).await);
        assert_eq!(requests.load(Relaxed), 1, "a confirmed leader is cached");
        assert!(!confirm(&stranger).await);
        tokio::time::sleep(CONFIRMED_TTL).await;
        assert!(confirm(&node).await);
        assert_eq!(requests.load(Relaxed), 3);
    }
}
