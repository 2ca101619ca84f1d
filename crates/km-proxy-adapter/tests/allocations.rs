//! A key that is in memory is had without an allocation, by its name and by a handle. The server is
//! scripted: what is looked at begins after it has answered.

#![cfg(test)]

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use km_proxy_adapter::{Error, KeyManager, Secret, VaultValidator};
use km_settings::{Settings, Sources};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const NAME: &str = "OPENAI_API_KEY";
const REFERENCE: &str = "os.environ/OPENAI_API_KEY";

async fn vault() -> MockServer {
    let server = MockServer::start().await;
    let metadata = json!({ "version": 1, "created_time": "2026-05-04T09:12:41.318276Z" });
    let secret = json!({ "data": { "data": { "key": "sk-1" }, "metadata": metadata } });
    let answer = ResponseTemplate::new(200).set_body_json(secret);
    let read = Mock::given(method("GET")).and(path("/v1/secret/data/litellm/OPENAI_API_KEY"));
    read.respond_with(answer).mount(&server).await;
    server
}

fn keys(server: &MockServer) -> KeyManager {
    let env: BTreeMap<_, _> = [
        ("HCP_VAULT_ADDR", server.uri()),
        ("HCP_VAULT_TOKEN", "token".to_owned()),
        ("HCP_VAULT_PATH_PREFIX", "litellm".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let settings =
        Settings::from_sources(&Sources { env: &env, yaml: None, validator: &VaultValidator });
    KeyManager::connect_once(settings.unwrap(), env).unwrap()
}

/// The answer of a future that need not wait.
fn at_once(future: impl Future<Output = Result<Secret, Error>>) -> Secret {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.unwrap(),
        Poll::Pending => panic!("a hit waits"),
    }
}

fn check(runtime: &Runtime) {
    let server = runtime.block_on(vault());
    let keys = runtime.block_on(async {
        let keys = keys(&server);
        keys.secret(NAME).await.unwrap();
        keys
    });
    let handle = keys.handle(NAME).unwrap();
    let hits: [&dyn Fn() -> Secret; 3] =
        [&|| at_once(keys.secret(NAME)), &|| at_once(keys.secret(REFERENCE)), &|| {
            at_once(handle.secret())
        }];
    for (index, hit) in hits.into_iter().enumerate() {
        // What a thread sets up once for itself is no part of a hit.
        assert_eq!(hit().expose(), "sk-1");
        let allocations = measure(|| (0..5_000).for_each(|_| drop(hit()))).count_total;
        assert_eq!(allocations, 0, "way {index} to hit");
    }
}

#[test]
fn no_hit_allocates() {
    check(&Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
    check(&Builder::new_current_thread().enable_all().build().unwrap());
}
