use serde_json::json;
use vault_http::ErrorKind as Http;
use vault_kv::{ErrorKind, Fields, SecretPath};
use wiremock::ResponseTemplate;

use super::server::{MOUNT, Server, absent, fields, lost, mount, name, no_route, respond};

const SECRET: &str = "kv/name";

async fn server(version: &str) -> Server {
    let server = Server::start().await;
    server.mounts(version).await;
    server
}

#[tokio::test]
async fn mount_is_looked_up_once_before_the_first_write() {
    let server = server("1").await;
    server.responds("POST", SECRET, ResponseTemplate::new(204)).await;
    server.responds("DELETE", SECRET, ResponseTemplate::new(204)).await;
    let kv = server.kv_v1();
    kv.write(&name(), &fields("value")).await.unwrap();
    kv.write(&name(), &fields("value")).await.unwrap();
    kv.delete(&name()).await.unwrap();
    assert_eq!(server.requests("POST", SECRET).await, 2);
    assert_eq!(server.requests("GET", MOUNT).await, 1);
}

#[tokio::test]
async fn version_2_mount_is_never_written_to() {
    let server = server("2").await;
    let kv = server.kv_v1();
    let wrong = Some(ErrorKind::WrongKvVersion);
    let kind = |outcome: Result<(), vault_kv::Error>| outcome.err().map(|error| error.kind());
    assert_eq!(kind(kv.write(&name(), &fields("value")).await), wrong);
    assert_eq!(kind(kv.write_value(&name(), &json!({ "key": "value" })).await), wrong);
    assert_eq!(kind(kv.delete(&name()).await), wrong);
    assert!(!kv.has_sent_change());
}

#[tokio::test]
async fn name_with_a_meaning_in_version_2_is_checked_each_time() {
    let server = Server::start().await;
    server.next("GET", MOUNT, mount("1"), 2).await;
    server.responds("GET", MOUNT, mount("2")).await;
    server.responds("DELETE", "kv/metadata/name", ResponseTemplate::new(204)).await;
    let kv = server.kv_v1();
    let path = SecretPath::new("metadata/name").unwrap();
    // The check of the name remembers the version, so that the write does not check it again.
    kv.delete(&path).await.unwrap();
    kv.delete(&path).await.unwrap();
    // The mount was upgraded.
    for outcome in [kv.delete(&path).await, kv.read(&path).await.map(drop)] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::WrongKvVersion);
    }
    assert_eq!(server.requests("DELETE", "kv/metadata/name").await, 2);
}

#[tokio::test]
async fn response_to_a_read_is_the_fields_or_an_error() {
    let check = async |response, expected: Result<Fields, ErrorKind>| {
        let server = server("1").await;
        server.responds("GET", SECRET, response).await;
        match (server.kv_v1().read(&name()).await, expected) {
            (Ok(read), Ok(expected)) => assert!(read.same_as(&expected)),
            (Err(error), Err(expected)) => assert_eq!(error.kind(), expected),
            (read, _) => panic!("{read:?}"),
        }
    };
    let malformed = ErrorKind::Exchange(Http::Malformed);
    let fields = Fields::new().with("key", "value").with("port", 5432);
    let body = json!({ "lease_duration": 60, "data": { "key": "value", "port": 5432 } });
    check(respond(200, body), Ok(fields)).await;
    check(absent(), Err(ErrorKind::NotFound)).await;
    check(no_route(), Err(malformed)).await;
    check(respond(200, json!({ "data": ["key"] })), Err(malformed)).await;
    check(respond(200, json!({ "data": null })), Err(malformed)).await;
}

#[tokio::test]
async fn write_whose_response_was_lost_is_ambiguous() {
    let server = server("1").await;
    server.responds("POST", SECRET, lost()).await;
    let error = server.kv_v1().write(&name(), &fields("value")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
}
