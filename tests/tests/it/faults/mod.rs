//! Faults of the network and the server, by a server that sends any bytes at any time.
//! `docs/reliability.md` has the table.
//!
//! Each request carries a planted token, and most bodies a planted value. The log capture of each
//! test fails on either in a log line, and `Parts::leak_free` on either in an error.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod blackholes;
mod bodies;
mod certificates;
mod connections;
mod deadlines;
mod files;
mod headers;
mod leaders;
mod malformed;
mod program;
mod proxies;
mod redirects;
mod refused;
mod retries;
mod writes;

use std::time::Duration;

use anyhow::Result;
use secrecy::SecretString;
use serde_json::json;
use testkit::leaks::{self, Watch};
use testkit::scripted::{self, Request as Asked};
use testkit::{Scripted, Step, secret};
use vault_http::{
    Address, ApiPath, Client, ClientBuilder, Error, FixedToken, Plaintext, Request, Response,
    Session, Token,
};
use vault_kv::{Kv, Mount, SecretPath};

/// The path with the fault.
const NAME: &str = "OPENAI_API_KEY";
const DATA: &str = "/v1/secret/data/OPENAI_API_KEY";

/// Long enough for anything here that ends by itself.
const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for two retries, whose backoffs are at most 250 and 500 ms.
const HURRY: Duration = Duration::from_millis(900);

/// A client and the token that it sends.
struct Parts {
    client: Client,
    token: String,
    watch: Watch,
}

impl Parts {
    fn new(server: &Scripted) -> Result<Self> {
        Self::of(builder(&server.url())?)
    }

    fn of(builder: ClientBuilder) -> Result<Self> {
        Ok(Self { client: builder.build()?, token: secret("token"), watch: leaks::watch() })
    }

    /// With a deadline that a retried fault reaches soon.
    fn hurried(server: &Scripted) -> Result<Self> {
        Self::of(builder(&server.url())?.deadline(HURRY))
    }

    async fn send(&self, request: &Request) -> Result<Response, Error> {
        let token = token(&self.token).expect("a planted token is one");
        self.client.send(request, Some(&token), self.client.deadline()).await
    }

    async fn read(&self) -> Result<Response, Error> {
        self.send(&read()).await
    }

    async fn write(&self) -> Result<Response, Error> {
        self.send(&write().expect("a string has a JSON form")).await
    }

    /// Reads, expects an error without secrets, and returns its kind.
    async fn fails(&self) -> Error {
        self.leak_free(self.read().await.expect_err("a read that has to fail"))
    }

    fn leak_free(&self, error: Error) -> Error {
        self.watch.error(&error);
        error
    }

    /// Returns the same client as a KV engine.
    fn kv(&self) -> Result<Kv> {
        let session = Session::new(self.client.clone(), FixedToken::new(token(&self.token)?));
        Ok(Kv::new(session, Mount::new("secret")?))
    }
}

fn builder(url: &str) -> Result<ClientBuilder> {
    Ok(Client::builder(Address::parse(url, Plaintext::LoopbackOnly)?).deadline(PATIENCE))
}

fn token(text: &str) -> Result<Token> {
    Ok(Token::new(&SecretString::from(text))?)
}

fn data() -> ApiPath {
    ApiPath::parse("secret/data/OPENAI_API_KEY").expect("a path")
}

fn read() -> Request {
    Request::get(data())
}

fn write() -> Result<Request, Error> {
    let body = json!({ "data": { "key": secret("value") } });
    Request::post(data(), &body)
}

fn name() -> Result<SecretPath> {
    Ok(SecretPath::new(NAME)?)
}

/// Responds like Vault to all paths but the one with the fault.
fn beside(
    fault: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static {
    move |asked| match asked.target.as_str() {
        "/v1/sys/internal/ui/mounts/secret" => {
            let data = json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } });
            scripted::json(200, json!({ "data": data })).into()
        }
        "/v1/auth/token/lookup-self" => {
            let data = json!({ "ttl": 0, "renewable": false, "type": "service" });
            scripted::json(200, json!({ "data": data })).into()
        }
        _ => fault(asked),
    }
}

/// Returns the response to a read, with this version.
fn stored(version: u64, value: &str) -> scripted::Answer {
    let data = json!({ "data": { "key": value }, "metadata": metadata(version) });
    scripted::json(200, json!({ "data": data }))
}

/// Returns the response to a write.
fn written(version: u64) -> scripted::Answer {
    scripted::json(200, json!({ "data": metadata(version) }))
}

fn metadata(version: u64) -> serde_json::Value {
    let created = "2026-01-01T00:00:00Z";
    json!({ "version": version, "created_time": created, "deletion_time": "", "destroyed": false })
}

fn errors(status: u16, text: &str) -> scripted::Answer {
    scripted::json(status, json!({ "errors": [text] }))
}

/// Starts a server that responds to every read.
fn well() -> impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static {
    beside(|_| stored(1, "v").into())
}
