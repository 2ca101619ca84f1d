//! A model provider in OpenAI's form, which accepts a set of keys and counts the uses of each.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A provider that serves until it is dropped. It answers every path, and accepts no key at first.
pub struct Provider {
    address: SocketAddr,
    keys: Arc<Keys>,
    _serving: JoinSet<()>,
}

/// The uses of one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// The number of requests that were accepted.
    pub accepted: u64,
    /// The number of requests that were rejected with 401.
    pub rejected: u64,
    /// The time of the first accepted request.
    pub first: Option<Instant>,
    /// The time of the last request, accepted or not.
    pub last: Option<Instant>,
}

#[derive(Default)]
struct Keys {
    known: Mutex<HashMap<String, Key>>,
    /// Announces each accepted request.
    accepted: watch::Sender<()>,
}

/// A key that was accepted at some time, or was shown in a request.
#[derive(Default)]
struct Key {
    is_valid: bool,
    uses: KeyUse,
}

impl Provider {
    /// Starts a provider on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, keys) = (listener.local_addr()?, Arc::<Keys>::default());
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&keys));
        let mut serving = JoinSet::new();
        // It ends with the provider, and has no other end to report.
        serving.spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self { address, keys, _serving: serving })
    }

    /// Returns the base URL, such as `http://127.0.0.1:1234`. OpenAI's clients expect `/v1` after
    /// it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Accepts this key from now on.
    pub fn accept(&self, key: &str) {
        self.keys.known().entry(key.to_owned()).or_default().is_valid = true;
    }

    /// Rejects this key from now on, with 401.
    pub fn revoke(&self, key: &str) {
        self.keys.known().entry(key.to_owned()).or_default().is_valid = false;
    }

    /// Returns the uses of a key so far.
    pub fn uses(&self, key: &str) -> KeyUse {
        self.keys.known().get(key).map(|key| key.uses).unwrap_or_default()
    }

    /// Returns the number of rejected requests of all keys, those without a key included.
    pub fn rejected(&self) -> u64 {
        self.keys.known().values().map(|key| key.uses.rejected).sum()
    }

    /// Returns the number of accepted requests of all keys.
    pub fn accepted(&self) -> u64 {
        self.keys.known().values().map(|key| key.uses.accepted).sum()
    }

    /// Waits until this key is accepted in a request, and returns the time of the first one.
    pub async fn first_use(&self, key: &str) -> Instant {
        let mut accepted = self.keys.accepted.subscribe();
        loop {
            if let Some(first) = self.uses(key).first {
                return first;
            }
            // `self` owns the sender, so this cannot fail.
            let _accepted = accepted.changed().await;
        }
    }
}

impl Keys {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Key>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a use, and returns whether the key is valid.
    fn take_use(&self, key: &str) -> bool {
        let mut known = self.known();
        let Key { is_valid, uses } = known.entry(key.to_owned()).or_default();
        let now = Instant::now();
        uses.last = Some(now);
        if *is_valid {
            uses.accepted += 1;
            uses.first.get_or_insert(now);
        } else {
            uses.rejected += 1;
        }
        *is_valid
    }
}

async fn answer(State(keys): State<Arc<Keys>>, headers: HeaderMap) -> Response {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let (status, body) = if keys.take_use(shown) {
        keys.accepted.send_replace(());
        (StatusCode::OK, completion())
    } else {
        let message = "Incorrect API key provided";
        let kind = ("invalid_request_error", "invalid_api_key");
        let error = json!({ "message": message, "type": kind.0, "param": null, "code": kind.1 });
        (StatusCode::UNAUTHORIZED, json!({ "error": error }).to_string())
    };
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// A complete answer to a chat request.
fn completion() -> String {
    let message = json!({ "role": "assistant", "content": "Hello!" });
    json!({
        "id": "one",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": message }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    })
    .to_string()
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("url", &self.url()).finish_non_exhaustive()
    }
}
