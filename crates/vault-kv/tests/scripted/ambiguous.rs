//! A check-and-set write whose answer was lost is settled by reading.

use std::time::Duration;

use serde_json::{Value, json};
use vault_http::Deadline;
use vault_kv::{Cas, ErrorKind, Fields, VersionMetadata};
use wiremock::ResponseTemplate;

use crate::server::{DATA, Server, absent, fields, lost, name, secret, written};

/// Writes onto version 3 with a first answer that is lost, while `stored` is read.
async fn write(
    server: &Server,
    fields: &Fields,
    stored: ResponseTemplate,
) -> Result<u64, ErrorKind> {
    server.next("POST", DATA, lost(), 1).await;
    server.answers("POST", DATA, written(4)).await;
    server.answers("GET", DATA, stored).await;
    let kv = server.kv().with_deadline(Deadline::after(Duration::from_secs(8)));
    let written: Result<VersionMetadata, _> = kv.write(&name(), fields, Cas::Version(3)).await;
    written.map(|written| written.version).map_err(|error| error.kind())
}

#[tokio::test]
async fn version_that_is_still_there_means_that_the_write_is_sent_again() {
    let server = Server::with_mount().await;
    let result = write(&server, &fields("new"), secret(3, json!({ "key": "old" }))).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Ok(4), 2));
}

#[tokio::test]
async fn next_version_with_the_same_fields_means_that_it_had_worked() {
    let server = Server::with_mount().await;
    let result = write(&server, &fields("new"), secret(4, json!({ "key": "new" }))).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Ok(4), 1));
}

#[tokio::test]
async fn next_version_with_other_fields_means_that_somebody_was_faster() {
    let server = Server::with_mount().await;
    let result = write(&server, &fields("new"), secret(4, json!({ "key": "theirs" }))).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Err(ErrorKind::CasMismatch), 1));
}

#[tokio::test]
async fn secret_that_is_gone_leaves_the_write_ambiguous() {
    let server = Server::with_mount().await;
    let result = write(&server, &fields("new"), absent()).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Err(ErrorKind::Ambiguous), 1));
}

/// D3: the server sorts keys, escapes in its own way and rounds numbers.
#[tokio::test]
async fn lost_answer_is_settled_by_the_meaning_of_json_fields() {
    let sent = r#"{"config":{"b":[1.0,"<\u00e9>"],"a":12345678901234567890.5}}"#;
    let fields: Fields = serde_json::from_str(sent).unwrap();
    let stored: Value =
        json!({ "config": { "a": 12_345_678_901_234_567_000_u64, "b": [1, "<é>"] } });
    let server = Server::with_mount().await;
    let result = write(&server, &fields, secret(4, stored)).await;
    assert_eq!((result, server.requests("POST", DATA).await), (Ok(4), 1));
}
