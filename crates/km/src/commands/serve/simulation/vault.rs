//! A simulated Vault: AppRole logins, tokens that expire, a KV engine of version 2, and faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;
use http::{Request, Response};
use km_proxy_adapter::test_util::MemoryServer;
use km_proxy_adapter::transport::TransportError;
use serde_json::json;
use tokio::time::{Instant, sleep};

/// The lease of a token, and its maximum TTL.
const TTL: Duration = Duration::from_secs(1_800);
const MAX_TTL: Duration = Duration::from_secs(7_200);

/// A response that takes longer is not awaited, or not counted as one of a healthy server.
const COUNTED_WITHIN: Duration = Duration::from_millis(900);

/// How the server behaves for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mood {
    Healthy,
    /// Requests do not arrive: nothing answers until the client gives up.
    Unreachable,
    Sealed,
    NoLeader,
    /// Each response takes this many seconds.
    Slow(u64),
}

/// The newest version of a secret from a moment on. `None`: there is none, or it is deleted.
type History = Vec<(Instant, Option<u64>)>;

#[derive(Debug, Default)]
pub(super) struct State {
    mood: Option<Mood>,
    healthy_since: Option<Instant>,
    secrets: BTreeMap<String, History>,
    /// When a read of a secret was last answered in time with a value.
    loaded: BTreeMap<String, Instant>,
    /// When each token expires, and when it reaches its maximum TTL.
    tokens: Vec<(Instant, Instant)>,
    /// When requests were received: for logins and renewals by an active node, for the server's
    /// health, and for secrets.
    pub(super) logins: Vec<Instant>,
    pub(super) health: Vec<Instant>,
    pub(super) reads: Vec<Instant>,
}

/// The server. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Vault(Arc<Mutex<State>>);

impl Vault {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    pub(super) fn transport(&self) -> MemoryServer {
        let vault = self.clone();
        MemoryServer::new(move |request| vault.clone().respond(request))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    async fn respond(self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let received = Instant::now();
        let mood = self.lock().receive(&request);
        let latency = match mood {
            Mood::Unreachable => std::future::pending().await,
            Mood::Slow(seconds) => Duration::from_secs(seconds),
            _ => Duration::from_millis(fastrand::u64(2..40)),
        };
        sleep(latency / 2).await;
        let response = self.lock().execute(mood, &request);
        sleep(latency / 2).await;
        if response.status() == 200
            && latency < COUNTED_WITHIN
            && let Some(name) = secret_name(&request)
        {
            self.lock().loaded.insert(name.to_owned(), received);
        }
        Ok(response)
    }
}

impl State {
    pub(super) fn set_mood(&mut self, mood: Mood) {
        self.mood = Some(mood);
        let since = self.healthy_since.unwrap_or_else(Instant::now);
        self.healthy_since = (mood == Mood::Healthy).then_some(since);
    }

    pub(super) fn mood(&self) -> Mood {
        self.mood.unwrap_or(Mood::Healthy)
    }

    /// Returns since when the server has been healthy, if it is.
    pub(super) fn healthy_since(&self) -> Option<Instant> {
        self.healthy_since
    }

    /// Revokes all tokens.
    pub(super) fn revoke_all(&mut self) {
        let now = Instant::now();
        self.tokens.iter_mut().for_each(|(expires, _)| *expires = (*expires).min(now));
    }

    /// Stores a new version of a secret, or deletes the newest one.
    pub(super) fn rotate(&mut self, name: &str, exists: bool) {
        let history = self.secrets.entry(name.to_owned()).or_default();
        let version = u64::try_from(history.len()).unwrap() + 1;
        history.push((Instant::now(), exists.then_some(version)));
    }

    /// Returns until when `version` was the newest one; `None` if it is, or never was.
    pub(super) fn superseded_at(&self, name: &str, version: u64) -> Option<Instant> {
        let history = &self.secrets[name];
        let index = history.iter().position(|(_, stored)| *stored == Some(version))?;
        history.get(index + 1).map(|(at, _)| *at)
    }

    /// Returns whether there was no value of a secret at some time in this period.
    pub(super) fn was_missing(&self, name: &str, from: Instant, to: Instant) -> bool {
        let Some(history) = self.secrets.get(name) else { return true };
        let ends = history.iter().skip(1).map(|(at, _)| Some(*at)).chain([None]);
        let mut periods = history.iter().zip(ends);
        let overlaps =
            |begin: Instant, end: Option<Instant>| begin <= to && end.is_none_or(|end| end >= from);
        let is_missing =
            periods.any(|((begin, value), end)| value.is_none() && overlaps(*begin, end));
        is_missing || history.first().is_some_and(|(begin, _)| *begin > from)
    }

    /// Returns when a value of a secret was last read by a client.
    pub(super) fn loaded(&self, name: &str) -> Option<Instant> {
        self.loaded.get(name).copied()
    }

    /// Records a request, and returns how it is treated.
    fn receive(&mut self, request: &Request<Bytes>) -> Mood {
        let (now, mood) = (Instant::now(), self.mood());
        match request.uri().path() {
            "/v1/sys/health" => self.health.push(now),
            "/v1/auth/approle/login" | "/v1/auth/token/renew-self" => {
                let reached = !matches!(mood, Mood::Sealed | Mood::NoLeader);
                self.logins.extend(reached.then_some(now));
            }
            _ if secret_name(request).is_some() => self.reads.push(now),
            _ => {}
        }
        mood
    }

    fn execute(&mut self, mood: Mood, request: &Request<Bytes>) -> Response<Bytes> {
        let sealed = mood == Mood::Sealed;
        let path = request.uri().path();
        match (mood, path) {
            (_, "/v1/sys/health") => {
                let query = request.uri().query().unwrap_or_default();
                let reports_states = query.contains("sealedcode");
                let is_active = !matches!(mood, Mood::Sealed | Mood::NoLeader);
                let status = if is_active || reports_states { 200 } else { 503 };
                MemoryServer::json(status, format!(r#"{{"initialized":true,"sealed":{sealed}}}"#))
            }
            (Mood::Sealed, _) => errors(503, "Vault is sealed"),
            (Mood::NoLeader, _) => {
                errors(500, "local node not active but active cluster node not found")
            }
            (_, "/v1/auth/approle/login") => self.log_in(),
            _ => self.with_token(request),
        }
    }

    fn log_in(&mut self) -> Response<Bytes> {
        let now = Instant::now();
        let token = self.tokens.len();
        self.tokens.push((now + TTL, now + MAX_TTL));
        let auth = json!({
            "client_token": token.to_string(),
            "lease_duration": TTL.as_secs(),
            "renewable": true,
        });
        MemoryServer::json(200, json!({ "auth": auth }).to_string())
    }

    fn with_token(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let now = Instant::now();
        let token = request.headers()["x-vault-token"].to_str().unwrap();
        let (expires, max) = &mut self.tokens[token.parse::<usize>().unwrap()];
        if *expires <= now {
            return errors(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n");
        }
        match request.uri().path() {
            "/v1/auth/token/renew-self" => {
                *expires = (now + TTL).min(*max);
                let lease = (*expires - now).as_secs();
                MemoryServer::json(200, format!(r#"{{"auth":{{"lease_duration":{lease}}}}}"#))
            }
            "/v1/auth/token/revoke-self" => {
                *expires = now;
                MemoryServer::json(204, "")
            }
            "/v1/auth/token/lookup-self" => MemoryServer::json(200, r#"{"data":{}}"#),
            // Read after the first miss.
            "/v1/sys/internal/ui/mounts/secret" => MemoryServer::json(
                200,
                r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}"#,
            ),
            path => match secret_name(request) {
                Some(name) => self.secret(name),
                None => errors(404, &format!("no handler for route {path}")),
            },
        }
    }

    fn secret(&self, name: &str) -> Response<Bytes> {
        let Some(history) = self.secrets.get(name) else {
            return MemoryServer::json(404, r#"{"errors":[]}"#);
        };
        let value = history.last().and_then(|(_, value)| *value);
        let (status, data, deletion_time) = match value {
            Some(version) => (200, json!({ "key": format!("{name}-{version}") }), ""),
            None => (404, json!(null), "2026-01-01T00:00:00Z"),
        };
        let metadata = json!({
            "version": history.len(),
            "created_time": "2026-01-01T00:00:00Z",
            "deletion_time": deletion_time,
            "destroyed": false,
            "custom_metadata": null,
        });
        let body = json!({ "data": { "data": data, "metadata": metadata } });
        MemoryServer::json(status, body.to_string())
    }
}

fn secret_name<B>(request: &Request<B>) -> Option<&str> {
    request.uri().path().strip_prefix("/v1/secret/data/")
}

fn errors(status: u16, text: &str) -> Response<Bytes> {
    MemoryServer::json(status, json!({ "errors": [text] }).to_string())
}
