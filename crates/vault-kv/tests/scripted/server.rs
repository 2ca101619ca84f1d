//! A scripted server, and a client of it.

use std::time::Duration;

use serde_json::{Value, json};
use vault_http::{Address, Client, FixedToken, Plaintext, Session, Token};
use vault_kv::{Fields, Kv, KvV1, Mount, SecretPath};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate, Times};

pub(crate) struct Server(MockServer);

impl Server {
    /// Starts a server that has no routes yet.
    pub(crate) async fn start() -> Self {
        Self(MockServer::start().await)
    }

    /// Starts a server with a KV version 2 engine at `kv`.
    pub(crate) async fn with_mount() -> Self {
        let server = Self::start().await;
        server.mounts("2").await;
        server
    }

    /// Returns a client of the engine at `kv`.
    pub(crate) fn kv(&self) -> Kv {
        let (session, mount) = self.parts();
        Kv::new(session, mount)
    }

    /// Returns a client of the version 1 engine at `kv`.
    pub(crate) fn kv_v1(&self) -> KvV1 {
        let (session, mount) = self.parts();
        KvV1::new(session, mount)
    }

    fn parts(&self) -> (Session, Mount) {
        let address = Address::parse(&self.0.uri(), Plaintext::LoopbackOnly).unwrap();
        let client = Client::builder(address).deadline(Duration::from_secs(2)).build().unwrap();
        let tokens = FixedToken::new(Token::new(&"hvs.token".into()).unwrap());
        (Session::new(client, tokens), Mount::new("kv").unwrap())
    }

    /// Adds a response to `verb` at `at`, which applies after all that were added before.
    pub(crate) async fn responds(&self, verb: &str, at: &str, response: impl Respond + 'static) {
        Mock::given(method(verb))
            .and(path(format!("/v1/{at}")))
            .respond_with(response)
            .mount(&self.0)
            .await;
    }

    /// Like [`responds`](Self::responds), and verifies the number of requests.
    pub(crate) async fn expects(
        &self,
        verb: &str,
        at: &str,
        response: ResponseTemplate,
        times: impl Into<Times>,
    ) {
        let mock = Mock::given(method(verb)).and(path(format!("/v1/{at}"))).respond_with(response);
        mock.expect(times).mount(&self.0).await;
    }

    /// Like [`responds`](Self::responds), for the next `times` requests only.
    pub(crate) async fn next(&self, verb: &str, at: &str, response: ResponseTemplate, times: u64) {
        let mock = Mock::given(method(verb)).and(path(format!("/v1/{at}"))).respond_with(response);
        mock.up_to_n_times(times).mount(&self.0).await;
    }

    /// Responds to lookups of the mount `kv` with this version.
    pub(crate) async fn mounts(&self, version: &str) {
        self.responds("GET", MOUNT, mount(version)).await;
    }

    /// Returns the number of requests with this method for this path.
    pub(crate) async fn requests(&self, verb: &str, at: &str) -> usize {
        let requests = self.0.received_requests().await.unwrap();
        let is_it = |request: &&wiremock::Request| {
            request.method.as_str() == verb && request.url.path() == format!("/v1/{at}")
        };
        requests.iter().filter(is_it).count()
    }
}

/// The path of lookups of the mount.
pub(crate) const MOUNT: &str = "sys/internal/ui/mounts/kv";
/// The path of the versions of the secret `name`.
pub(crate) const DATA: &str = "kv/data/name";
/// The path of the metadata of the secret `name`.
pub(crate) const METADATA: &str = "kv/metadata/name";

pub(crate) fn name() -> SecretPath {
    SecretPath::new("name").unwrap()
}

pub(crate) fn fields(value: &str) -> Fields {
    Fields::new().with("key", value)
}

pub(crate) fn respond(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

/// Vault's response about a KV engine of this version.
pub(crate) fn mount(version: &str) -> ResponseTemplate {
    let options = json!({ "version": version });
    respond(200, json!({ "data": { "path": "kv/", "type": "kv", "options": options } }))
}

/// Vault's response about a secret that does not exist.
pub(crate) fn absent() -> ResponseTemplate {
    respond(404, json!({ "errors": [] }))
}

/// The response of a gateway that has no route to Vault.
pub(crate) fn no_route() -> ResponseTemplate {
    respond(404, json!({ "message": "no Route matched" }))
}

/// The metadata of a version.
pub(crate) fn version(number: u64) -> Value {
    json!({
        "version": number, "created_time": "2026-01-01T00:00:00Z", "deletion_time": "",
        "destroyed": false, "custom_metadata": null,
    })
}

/// Vault's response to a read.
pub(crate) fn secret(number: u64, data: Value) -> ResponseTemplate {
    respond(200, json!({ "data": { "data": data, "metadata": version(number) } }))
}

/// Vault's response to a write.
pub(crate) fn written(number: u64) -> ResponseTemplate {
    respond(200, json!({ "data": version(number) }))
}

/// A response that does not arrive, although the request did.
pub(crate) fn lost() -> ResponseTemplate {
    // The first byte comes after the deadline.
    ResponseTemplate::new(200).set_delay(Duration::from_secs(60))
}
