//! A cache hit allocates nothing, by name, by reference and by handle. The server is scripted; it
//! responds only before the measurement.

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
    let response = ResponseTemplate::new(200).set_body_json(secret);
    let read = Mock::given(method("GET")).and(path("/v1/secret/data/litellm/OPENAI_API_KEY"));
    read.respond_with(response).mount(&server).await;
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

/// Returns the output of a future that is ready at its first poll.
fn poll_once(future: impl Future<Output = Result<Secret, Error>>) -> Secret {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output.unwrap(),
        Poll::Pending => panic!("a hit is pending"),
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
        [&|| poll_once(keys.secret(NAME)), &|| poll_once(keys.secret(REFERENCE)), &|| {
            poll_once(handle.secret())
        }];
    for (index, hit) in hits.into_iter().enumerate() {
        // The first hit excludes the one-time set-up of the thread from the measurement.
        assert_eq!(hit().expose(), "sk-1");
        let allocations = measure(|| (0..5_000).for_each(|_| drop(hit()))).count_total;
        assert_eq!(allocations, 0, "hit {index}");
    }
}

#[test]
fn no_hit_allocates() {
    check(&Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
    check(&Builder::new_current_thread().enable_all().build().unwrap());
}
