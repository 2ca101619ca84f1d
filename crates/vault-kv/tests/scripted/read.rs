//! Operations that read versions and list names.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vault_http::ErrorKind as Http;
use vault_kv::ErrorKind;
use wiremock::ResponseTemplate;

use crate::server::{DATA, Server, absent, name, no_route, respond, secret};

#[tokio::test]
async fn secret_is_read_in_one_request_with_its_metadata() {
    let server = Server::start().await;
    server.expects("GET", DATA, secret(3, json!({ "key": "v", "n": 1.50 })), 1).await;
    let secret = server.kv().read(&name()).await.unwrap();
    assert_eq!(secret.fields.text("key").unwrap().expose_secret(), "v");
    assert_eq!(secret.metadata.version, 3);
}

/// Reads a secret with this response.
async fn check(response: ResponseTemplate, expected: ErrorKind) {
    let server = Server::with_mount().await;
    server.responds("GET", DATA, response).await;
    let error = server.kv().read(&name()).await.unwrap_err();
    assert_eq!(error.kind(), expected, "{error}");
}

fn gone(deletion_time: &str, destroyed: bool) -> ResponseTemplate {
    let metadata = json!({
        "version": 2, "created_time": "2026-01-01T00:00:00Z",
        "deletion_time": deletion_time, "destroyed": destroyed,
    });
    respond(404, json!({ "data": { "data": null, "metadata": metadata } }))
}

#[tokio::test]
async fn absent_deleted_and_destroyed_versions_are_different_errors() {
    check(absent(), ErrorKind::NotFound).await;
    check(gone("2026-01-02T00:00:00Z", false), ErrorKind::Deleted).await;
    check(gone("", true), ErrorKind::Destroyed).await;
}

/// C3
#[tokio::test]
async fn response_of_another_shape_is_malformed() {
    let malformed = ErrorKind::Exchange(Http::Malformed);
    let without_metadata: Value = json!({ "data": { "key": "v" } });
    check(no_route(), malformed).await;
    check(respond(404, without_metadata.clone()), malformed).await;
    check(respond(200, json!({ "message": "welcome" })), malformed).await;
    check(respond(200, json!({ "data": { "data": [1], "metadata": {} } })), malformed).await;
    check(ResponseTemplate::new(204), malformed).await;
    // A version 1 engine sends this.
    check(respond(200, without_metadata), ErrorKind::WrongKvVersion).await;
}
