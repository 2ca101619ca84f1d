//! A response that was read in chunks leaves no copy in memory after it is dropped.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use testkit::memory;
use vault_http::test_util::MemoryServer;
use vault_http::zeroizing::ZeroizingBytes;
use vault_http::{Address, ApiPath, Client, Plaintext, Request, Response, json};

#[derive(Deserialize)]
struct Data {
    #[serde(deserialize_with = "json::secret_string")]
    value: SecretString,
}

/// Returns a response whose value has `lines` lines, and the value.
async fn read_in_chunks(lines: usize) -> (Response, SecretString) {
    // The server in memory passes the body on in chunks.
    let server = MemoryServer::new(move |_| async move {
        let mut sent = ZeroizingBytes::new(Vec::with_capacity(lines * 66 + 100));
        sent.extend_from_slice(br#"{"data":{"value":""#);
        memory::plant(lines, |c| match c {
            '\n' => sent.extend_from_slice(br"\n"),
            c => sent.push(c as u8),
        });
        sent.extend_from_slice(br#""}}"#);
        Ok(MemoryServer::json(200, bytes::Bytes::from_owner(sent)))
    });
    let address = Address::parse("https://vault.test", Plaintext::LoopbackOnly).unwrap();
    let client = Client::builder(address).transport(server).build().unwrap();
    let request = Request::get(ApiPath::from_static("secret/data/a"));
    let response = client.send(&request, None, client.deadline()).await.unwrap();
    let value = response.data::<Data>().unwrap().value;
    assert_eq!(value.expose_secret().len(), lines * 65 - 1);
    (response, value)
}

#[tokio::test]
#[ignore = "run as a child process by response_leaves_no_copy_in_memory"]
async fn child_that_drops_responses() {
    for lines in [30, 12_000] {
        drop(read_in_chunks(lines).await);
    }
    memory::wait_for_search().unwrap();
}

#[tokio::test]
#[ignore = "run as a child process by response_leaves_no_copy_in_memory"]
async fn child_that_keeps_a_response() {
    let kept = read_in_chunks(30).await;
    memory::wait_for_search().unwrap();
    drop(kept);
}

#[test]
fn response_leaves_no_copy_in_memory() {
    let marks = |child: &str| memory::marks_in_child(child).unwrap();
    assert_ne!(marks("child_that_keeps_a_response"), 0, "the search finds a response that is kept");
    assert_eq!(marks("child_that_drops_responses"), 0);
}
