//! A simulated Vault: an AppRole mount, its tokens with their leases, and faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::{Instant, sleep};
use vault_http::ErrorKind;
use vault_http::test_util::MemoryServer;
use vault_http::transport::TransportError;

/// How the server behaves for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Healthy,
    /// Connections are refused.
    Down,
    Sealed,
    NoLeader,
    /// Each response takes this many seconds.
    Slow(u32),
    /// Requests are executed, and their responses lost.
    Lossy,
    /// Logins are refused: the secret ID is used up, for instance.
    Refusing,
    /// Renewals fail in this way.
    Unrenewing(u8),
    /// Every token is revoked as soon as it is made.
    Revoking,
    /// Each request but those for the server's health receives 429, with `Retry-After` or without.
    RateLimited {
        retry_after: bool,
    },
}

impl Mood {
    /// Returns whether no active node is reached, so that nothing is executed or counted.
    fn is_outage(self) -> bool {
        matches!(self, Self::Down | Self::Sealed | Self::NoLeader)
    }
}

/// The settings of the role that the token source logs in to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Role {
    /// The lease of a new token, in seconds.
    pub(crate) ttl: u64,
    /// The maximum TTL, in leases.
    pub(crate) max_ttls: u32,
    pub(crate) renewable: bool,
    /// Whether the server names the reason in the response to a request with a dead token, as
    /// Vault does since 1.19. Without it, only a look-up tells a dead token from a denied path.
    pub(crate) names_dead_tokens: bool,
}

/// Whether the server accepts a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TokenState {
    Valid,
    ExpiredAt(Instant),
    RevokedAt(Instant),
}

#[derive(Debug)]
struct TokenRecord {
    expires: Instant,
    max: Instant,
    revoked: Option<Instant>,
    /// The response with it was lost, so that no client knows it.
    lost: bool,
    /// A revocation of it was received and not executed.
    unrevoked: bool,
}

#[derive(Debug)]
pub(crate) struct State {
    mood: Mood,
    /// The time since which the server has been healthy.
    healthy_since: Option<Instant>,
    role: Role,
    tokens: BTreeMap<String, TokenRecord>,
    random: fastrand::Rng,
    logins_in_flight: u32,
    /// When logins and renewals reached an active node.
    pub(crate) attempts: Vec<Instant>,
    /// When logins and renewals reached none.
    pub(crate) unreached: Vec<Instant>,
    /// When the server was asked for its health.
    pub(crate) probes: Vec<Instant>,
    /// When logins were received whose response was lost.
    pub(crate) lost: Vec<Instant>,
    /// Rules that were broken.
    pub(crate) violations: Vec<String>,
}

/// The server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Vault(Arc<Mutex<State>>);

type Response = http::Response<Bytes>;

impl Vault {
    pub(crate) fn new(role: Role, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            mood: Mood::Healthy,
            healthy_since: Some(Instant::now()),
            role,
            tokens: BTreeMap::new(),
            random: fastrand::Rng::with_seed(seed),
            logins_in_flight: 0,
            attempts: Vec::new(),
            unreached: Vec::new(),
            probes: Vec::new(),
            lost: Vec::new(),
            violations: Vec::new(),
        })))
    }

    pub(crate) fn transport(&self) -> MemoryServer {
        let vault = self.clone();
        MemoryServer::new(move |request| vault.clone().respond(request))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        let mut state = self.lock();
        state.mood = mood;
        let since = state.healthy_since.unwrap_or_else(Instant::now);
        state.healthy_since = (mood == Mood::Healthy).then_some(since);
    }

    /// Returns since when the server has been healthy, if it is.
    pub(crate) fn healthy_since(&self) -> Option<Instant> {
        self.lock().healthy_since
    }

    /// Revokes all tokens, as an operator does.
    pub(crate) fn revoke_all(&self) {
        let now = Instant::now();
        for record in self.lock().tokens.values_mut() {
            record.revoked.get_or_insert(now);
        }
    }

    pub(crate) fn token_state(&self, token: &str) -> TokenState {
        self.lock().token_state(token)
    }

    pub(crate) fn violation(&self, what: String) {
        self.lock().violations.push(what);
    }

    async fn respond(self, request: http::Request<Bytes>) -> Result<Response, TransportError> {
        let login = request.uri().path() == "/v1/auth/approle/login";
        let _in_flight = login.then(|| InFlight::new(&self));
        let received = Instant::now();
        let (mood, latency) = self.lock().receive(&request);
        sleep(latency / 2).await;
        if mood == Mood::Down {
            return Err(TransportError::new(ErrorKind::Unreachable));
        }
        let (response, token) = self.lock().execute(mood, &request);
        let mut undelivered = Undelivered { vault: &self, token, received };
        sleep(latency / 2).await;
        if mood == Mood::Lossy {
            return Err(TransportError::new(ErrorKind::Interrupted));
        }
        undelivered.token = None;
        Ok(response)
    }
}

impl State {
    /// Records a request, and returns how it is treated: the mood and the latency of its response.
    fn receive(&mut self, request: &http::Request<Bytes>) -> (Mood, Duration) {
        let (now, mood) = (Instant::now(), self.mood);
        let path = request.uri().path();
        match path {
            "/v1/auth/approle/login" | "/v1/auth/token/renew-self" if mood.is_outage() => {
                self.unreached.push(now);
            }
            "/v1/auth/approle/login" | "/v1/auth/token/renew-self" => self.attempts.push(now),
            "/v1/sys/health" => self.probes.push(now),
            "/v1/auth/token/revoke-self" => {
                // Until it is executed.
                if let Some(record) = self.tokens.get_mut(&token_of(request)) {
                    record.unrevoked = true;
                }
            }
            _ => {}
        }
        let latency = match mood {
            Mood::Slow(seconds) => Duration::from_secs(seconds.into()),
            _ => Duration::from_millis(self.random.u64(1..50)),
        };
        (mood, latency)
    }

    /// Executes a request, and returns its response and the token that was made for it.
    fn execute(
        &mut self,
        mood: Mood,
        request: &http::Request<Bytes>,
    ) -> (Response, Option<String>) {
        let path = request.uri().path();
        let response = match (mood, path) {
            (Mood::Sealed, _) => errors(503, "Vault is sealed"),
            (Mood::NoLeader, "/v1/sys/health") => errors(503, "no active node"),
            (Mood::NoLeader, _) => {
                errors(500, "local node not active but active cluster node not found")
            }
            (_, "/v1/sys/health") => MemoryServer::json(200, r#"{"sealed":false}"#),
            (Mood::RateLimited { retry_after }, _) => {
                let mut response = errors(429, "request path: rate limit quota exceeded");
                if retry_after {
                    let seconds = http::HeaderValue::from(self.random.u16(0..5));
                    response.headers_mut().insert(http::header::RETRY_AFTER, seconds);
                }
                response
            }
            (Mood::Refusing, "/v1/auth/approle/login") => errors(400, "invalid role or secret ID"),
            (_, "/v1/auth/approle/login") => {
                let (response, token) = self.log_in(mood);
                return (response, Some(token));
            }
            _ => self.with_token(mood, request),
        };
        (response, None)
    }

    fn log_in(&mut self, mood: Mood) -> (Response, String) {
        let (now, Role { ttl, max_ttls, renewable, .. }) = (Instant::now(), self.role);
        let token = format!("hvs.token-{}", self.tokens.len());
        let lease = Duration::from_secs(ttl);
        let record = TokenRecord {
            expires: now + lease,
            max: now + lease * max_ttls,
            revoked: (mood == Mood::Revoking).then_some(now),
            lost: false,
            unrevoked: false,
        };
        self.tokens.insert(token.clone(), record);
        let auth = json!({
            "client_token": token,
            "lease_duration": ttl,
            "renewable": renewable,
            "token_type": "service",
            "policies": ["default", "km"],
        });
        let body = json!({ "auth": auth }).to_string();
        (MemoryServer::json(200, body), token)
    }

    fn with_token(&mut self, mood: Mood, request: &http::Request<Bytes>) -> Response {
        let (now, token) = (Instant::now(), token_of(request));
        if self.token_state(&token) != TokenState::Valid {
            return if self.role.names_dead_tokens {
                errors(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
            } else {
                errors(403, "permission denied")
            };
        }
        let record = self.tokens.get_mut(&token).unwrap();
        match (request.uri().path(), mood) {
            ("/v1/auth/token/renew-self", Mood::Unrenewing(0)) | ("/v1/secret/data/denied", _) => {
                errors(403, "1 error occurred:\n\t* permission denied\n\n")
            }
            ("/v1/auth/token/renew-self", Mood::Unrenewing(1)) => {
                errors(400, "lease is not renewable")
            }
            ("/v1/auth/token/renew-self", Mood::Unrenewing(_)) => errors(500, "internal error"),
            ("/v1/auth/token/renew-self", _) => {
                let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
                let increment = Duration::from_secs(body["increment"].as_u64().unwrap());
                record.expires = (now + increment).min(record.max);
                let lease = (record.expires - now).as_secs();
                let capped = record.expires == record.max;
                let warnings: &[&str] = if capped { &["TTL exceeds the max_ttl"] } else { &[] };
                let auth = json!({ "lease_duration": lease });
                let body = json!({ "auth": auth, "warnings": warnings });
                MemoryServer::json(200, body.to_string())
            }
            ("/v1/auth/token/lookup-self", _) => MemoryServer::json(200, r#"{"data":{}}"#),
            ("/v1/auth/token/revoke-self", _) => {
                record.revoked = Some(now);
                MemoryServer::json(204, "")
            }
            _ => MemoryServer::json(200, r#"{"data":{"data":{"value":"sk-1"}}}"#),
        }
    }

    fn token_state(&self, token: &str) -> TokenState {
        let record = &self.tokens[token];
        match record.revoked {
            Some(at) => TokenState::RevokedAt(at),
            None if record.expires <= Instant::now() => TokenState::ExpiredAt(record.expires),
            None => TokenState::Valid,
        }
    }

    /// Returns how many tokens are valid that a client knows and has not tried to revoke, and how
    /// many that no client knows.
    pub(crate) fn valid_tokens(&self) -> (usize, usize) {
        let valid = |(token, record): (&String, &TokenRecord)| {
            (self.token_state(token) == TokenState::Valid)
                .then_some((record.lost, record.unrevoked))
        };
        let states: Vec<_> = self.tokens.iter().filter_map(valid).collect();
        let known = states.iter().filter(|state| **state == (false, false)).count();
        (known, states.iter().filter(|(lost, _)| *lost).count())
    }
}

/// A token whose response is under way. Dropping it loses the token.
struct Undelivered<'v> {
    vault: &'v Vault,
    token: Option<String>,
    received: Instant,
}

impl Drop for Undelivered<'_> {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            let mut state = self.vault.lock();
            state.lost.push(self.received);
            state.tokens.get_mut(token).unwrap().lost = true;
        }
    }
}

/// A login under way. There is never more than one.
struct InFlight<'v>(&'v Vault);

impl<'v> InFlight<'v> {
    fn new(vault: &'v Vault) -> Self {
        let mut state = vault.lock();
        state.logins_in_flight += 1;
        if state.logins_in_flight > 1 {
            state.violations.push("two logins in flight".to_owned());
        }
        drop(state);
        Self(vault)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.lock().logins_in_flight -= 1;
    }
}

fn token_of(request: &http::Request<Bytes>) -> String {
    request.headers()["x-vault-token"].to_str().unwrap().to_owned()
}

fn errors(status: u16, text: &str) -> Response {
    MemoryServer::json(status, json!({ "errors": [text] }).to_string())
}
