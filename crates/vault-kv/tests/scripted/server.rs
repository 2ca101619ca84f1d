//! A scripted server, and an engine that asks it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use vault_http::{
    Address, Client, Denial, DenialOutcome, Error, Generation, IssuedToken, Plaintext, Session,
    Token, TokenSource,
};
use vault_kv::{Fields, Kv, Mount, SecretPath};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate, Times};

/// A token that lives for ever.
struct Unlimited;

#[async_trait]
impl TokenSource for Unlimited {
    async fn token(&self) -> Result<IssuedToken, Error> {
        let token = Token::new(&"hvs.token".into()).unwrap();
        Ok(IssuedToken { token, generation: Generation::default() })
    }

    async fn denied(&self, _: Denial) -> Result<DenialOutcome, Error> {
        Ok(DenialOutcome::PathDenied)
    }
}

pub(crate) struct Server(MockServer);

impl Server {
    /// A server that answers nothing yet.
    pub(crate) async fn start() -> Self {
        Self(MockServer::start().await)
    }

    /// A server that has a KV version 2 engine at `kv`.
    pub(crate) async fn with_mount() -> Self {
        let server = Self::start().await;
        server.mounts("2").await;
        server
    }

    /// An engine at `kv`.
    pub(crate) fn kv(&self) -> Kv {
        let address = Address::parse(&self.0.uri(), Plaintext::LoopbackOnly).unwrap();
        let client = Client::builder(address).deadline(Duration::from_secs(2)).build().unwrap();
        Kv::new(Session::new(client, Arc::new(Unlimited)), Mount::new("kv").unwrap())
    }

    /// Answers `verb` at `at` with this, from now on, if nothing older does.
    pub(crate) async fn answers(&self, verb: &str, at: &str, answer: ResponseTemplate) {
        Mock::given(method(verb))
            .and(path(format!("/v1/{at}")))
            .respond_with(answer)
            .mount(&self.0)
            .await;
    }

    /// The same a number of times.
    pub(crate) async fn expects(
        &self,
        verb: &str,
        at: &str,
        answer: ResponseTemplate,
        times: impl Into<Times>,
    ) {
        let mock = Mock::given(method(verb)).and(path(format!("/v1/{at}"))).respond_with(answer);
        mock.expect(times).mount(&self.0).await;
    }

    /// Answers the next `times` requests alone.
    pub(crate) async fn next(&self, verb: &str, at: &str, answer: ResponseTemplate, times: u64) {
        let mock = Mock::given(method(verb)).and(path(format!("/v1/{at}"))).respond_with(answer);
        mock.up_to_n_times(times).mount(&self.0).await;
    }

    /// Answers what is mounted at `kv`.
    pub(crate) async fn mounts(&self, version: &str) {
        self.answers("GET", MOUNT, mount(version)).await;
    }

    /// How many requests with this method came for this path.
    pub(crate) async fn requests(&self, verb: &str, at: &str) -> usize {
        let requests = self.0.received_requests().await.unwrap();
        let is_it = |request: &&wiremock::Request| {
            request.method.as_str() == verb && request.url.path() == format!("/v1/{at}")
        };
        requests.iter().filter(is_it).count()
    }
}

/// Where what is mounted is asked.
pub(crate) const MOUNT: &str = "sys/internal/ui/mounts/kv";
/// Where the versions of the secret `name` are.
pub(crate) const DATA: &str = "kv/data/name";
/// Where its metadata is.
pub(crate) const METADATA: &str = "kv/metadata/name";

pub(crate) fn name() -> SecretPath {
    SecretPath::new("name").unwrap()
}

pub(crate) fn fields(value: &str) -> Fields {
    Fields::new().with("key", value.into())
}

pub(crate) fn respond(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

/// Vault's answer about a KV engine of this version.
pub(crate) fn mount(version: &str) -> ResponseTemplate {
    let options = json!({ "version": version });
    respond(200, json!({ "data": { "path": "kv/", "type": "kv", "options": options } }))
}

/// Vault's answer about something that is not there.
pub(crate) fn absent() -> ResponseTemplate {
    respond(404, json!({ "errors": [] }))
}

/// A gateway's answer while it has no route to Vault.
pub(crate) fn no_route() -> ResponseTemplate {
    respond(404, json!({ "message": "no Route matched" }))
}

/// What is known about a version.
pub(crate) fn version(number: u64) -> Value {
    json!({
        "version": number, "created_time": "2026-01-01T00:00:00Z", "deletion_time": "",
        "destroyed": false, "custom_metadata": null,
    })
}

/// Vault's answer to a read.
pub(crate) fn secret(number: u64, data: Value) -> ResponseTemplate {
    respond(200, json!({ "data": { "data": data, "metadata": version(number) } }))
}

/// Vault's answer to a write.
pub(crate) fn written(number: u64) -> ResponseTemplate {
    respond(200, json!({ "data": version(number) }))
}

/// A connection that ends without an answer, after the request was read.
pub(crate) fn lost() -> ResponseTemplate {
    // The first byte comes after the deadline.
    ResponseTemplate::new(200).set_delay(Duration::from_secs(60))
}
