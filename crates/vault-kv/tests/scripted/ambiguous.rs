//! Check-and-set writes whose response was lost.

use std::time::Duration;

use serde_json::{Value, json};
use vault_http::Deadline;
use vault_kv::{Cas, ErrorKind, Fields, VersionMetadata};
use wiremock::ResponseTemplate;

use crate::server::{DATA, Server, absent, fields, lost, name, respond, secret, written};

/// Writes over version 3. The first response is lost, and a read then returns `stored`.
async fn write(
    server: &Server,
    fields: &Fields,
    stored: ResponseTemplate,
) -> Result<u64, ErrorKind> {
    server.next("POST", DATA, lost(), 1).await;
    server.responds("POST", DATA, written(4)).await;
    server.responds("GET", DATA, stored).await;
    let kv = server.kv().with_deadline(Deadline::after(Duration::from_secs(8)));
    let written: Result<VersionMetadata, _> = kv.write(&name(), fields, Cas::Version(3)).await;
    written.map(|written| written.version).map_err(|error| error.kind())
}

#[tokio::test]
async fn lost_write_is_sent_again_if_the_replaced_version_is_the_latest() {
    let server = Server::with_mount().await;
    let result = write(&server, &fields("new"), secret(3, json!({ "key": "old" }))).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Ok(4), 2));
}

#[tokio::test]
async fn lost_write_succeeds_if_the_next_version_has_its_fields() {
    let server = Server::with_mount().await;
    let result = write(&server, &fields("new"), secret(4, json!({ "key": "new" }))).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Ok(4), 1));
}

#[tokio::test]
async fn lost_write_is_a_mismatch_if_the_next_version_has_other_fields() {
    let server = Server::with_mount().await;
    let result = write(&server, &fields("new"), secret(4, json!({ "key": "theirs" }))).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Err(ErrorKind::CasMismatch), 1));
}

#[tokio::test]
async fn lost_write_is_ambiguous_if_the_secret_is_gone() {
    let server = Server::with_mount().await;
    let result = write(&server, &fields("new"), absent()).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Err(ErrorKind::Ambiguous), 1));
}

/// D3: the server sorts keys, escapes characters differently and rounds numbers.
#[tokio::test]
async fn lost_write_succeeds_if_the_next_version_has_json_of_the_same_meaning() {
    let sent = r#"{"config":{"b":[1.0,"<\u00e9>"],"a":12345678901234567890.5}}"#;
    let fields: Fields = serde_json::from_str(sent).unwrap();
    let stored: Value =
        json!({ "config": { "a": 12_345_678_901_234_567_000_u64, "b": [1, "<é>"] } });
    let server = Server::with_mount().await;
    let result = write(&server, &fields, secret(4, stored)).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Ok(4), 1));
}

/// A standby of OpenBao answers reads while there is no active node for writes. Each write was then
/// sent five times, with a read after each.
#[tokio::test]
async fn writes_without_an_active_node_stay_within_the_retry_budget() {
    const WRITES: usize = 40;
    let server = Server::with_mount().await;
    let failed = respond(500, json!({ "errors": ["leadership lost while committing log"] }));
    server.responds("POST", DATA, failed).await;
    server.responds("GET", DATA, secret(3, json!({ "key": "old" }))).await;
    let kv = server.kv();
    for _ in 0..WRITES {
        let error = kv.write(&name(), &fields("new"), Cas::Version(3)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    }
    let sent = server.requests("POST", DATA).await + server.requests("GET", DATA).await;
    // One write and one free read each; a retry per twelve requests, and a reserve of twelve.
    let without_retries = 2 * WRITES;
    assert!(sent <= without_retries + without_retries / 12 + 12, "{sent}");
}
