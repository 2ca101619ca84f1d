//! The cluster's active node, according to the configured address.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::client::redirect::{Origin, is_leader};
use crate::path::ApiPath;
use crate::request::Request;
use crate::response::Response;

const SYS_LEADER: ApiPath = ApiPath::from_static("sys/leader");

/// A confirmed leader is not asked about again before this.
const CONFIRMED_FOR: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Answer {
    leader_address: String,
}

/// The answer to the last question about the leader.
#[derive(Debug, Default)]
pub(crate) struct Leader {
    /// Held by the question in flight.
    question: tokio::sync::Mutex<()>,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    leader_address: String,
    at: Instant,
}

impl Leader {
    /// The question. It needs no token.
    pub(crate) fn question() -> Request {
        Request::get(SYS_LEADER)
    }

    /// Returns whether `origin` is the active node. Asks by `ask` unless that is known; requests
    /// that wait while another one asks take its answer.
    pub(crate) async fn is<A: Future<Output = Option<Response>>>(
        &self,
        origin: &Origin,
        ask: impl FnOnce() -> A,
    ) -> bool {
        if self.is_known(origin, CONFIRMED_FOR) == Some(true) {
            return true;
        }
        let waiting_since = Instant::now();
        let _question = self.question.lock().await;
        if let Some(answer) = self.is_known(origin, waiting_since.elapsed()) {
            return answer;
        }
        let answer = ask().await;
        let answer = answer.and_then(|response| response.json::<Answer>().ok());
        let leader_address = answer.map(|answer| answer.leader_address).unwrap_or_default();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let confirmed = is_leader(origin, &leader_address);
        *known = Some(Known { leader_address, at: Instant::now() });
        confirmed
    }

    /// Whether `origin` is the active node by an answer that is younger than `age`, if there is
    /// one.
    fn is_known(&self, origin: &Origin, age: Duration) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|known| known.at.elapsed() < age)?;
        Some(is_leader(origin, &known.leader_address))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use http::StatusCode;

    use super::*;
    use crate::zeroizing::ZeroizingBytes;

    async fn ask(asked: &AtomicU32, body: &str) -> Option<Response> {
        asked.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let body = ZeroizingBytes::new(body.as_bytes().to_vec());
        Some(Response::new(StatusCode::OK, body, &Leader::question()))
    }

    #[tokio::test(start_paused = true)]
    async fn requests_at_the_same_time_share_one_question() {
        let origin = |text: &str| Origin::of(&text.parse().unwrap()).unwrap();
        let (node, stranger) = (origin("https://node2:8200/"), origin("https://node3:8200/"));
        let (leader, asked) = (Leader::default(), AtomicU32::new(0));
        let body = r#"{"leader_address":"https://node2:8200"}"#;
        let is = |origin| leader.is(origin, || ask(&asked, body));
        let answers = tokio::join!(is(&node), is(&node), is(&stranger), is(&node));
        assert_eq!((answers, asked.load(Relaxed)), ((true, true, false, true), 1));
        assert!(is(&node).await);
        assert_eq!(asked.load(Relaxed), 1, "a confirmed leader is remembered");
        assert!(!is(&stranger).await);
        tokio::time::sleep(CONFIRMED_FOR).await;
        assert!(is(&node).await);
        assert_eq!(asked.load(Relaxed), 3);
    }
}
