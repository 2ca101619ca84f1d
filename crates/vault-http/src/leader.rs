//! Who the cluster's active node is, as the configured address says it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::path::ApiPath;
use crate::redirect::{Origin, is_leader};
use crate::response::Response;

/// Where the question goes. It needs no token.
pub(crate) const SYS_LEADER: ApiPath = ApiPath::from_static("sys/leader");

/// A leader that was confirmed is not asked about again before this.
const KNOWN_FOR: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Answer {
    leader_address: String,
}

/// The leader that was last confirmed.
#[derive(Debug, Default)]
pub(crate) struct Leader(Mutex<Option<(Origin, Instant)>>);

impl Leader {
    /// Whether `origin` was confirmed lately.
    pub(crate) fn knows(&self, origin: &Origin) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().is_some_and(|(leader, at)| leader == origin && at.elapsed() < KNOWN_FOR)
    }

    /// Whether the answer to [`SYS_LEADER`] names `origin`; if so, that is kept.
    pub(crate) fn confirm(&self, origin: &Origin, answer: &Response) -> bool {
        let Ok(Answer { leader_address }) = answer.json() else { return false };
        let confirmed = is_leader(origin, &leader_address);
        if confirmed {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *known = Some((origin.clone(), Instant::now()));
        }
        confirmed
    }
}
