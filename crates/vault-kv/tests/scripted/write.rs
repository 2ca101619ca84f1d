//! Writing, patching and deleting versions.

use serde_json::json;
use vault_http::ErrorKind as Http;
use vault_kv::{Cas, ErrorKind};
use wiremock::ResponseTemplate;

use crate::server::{DATA, MOUNT, Server, fields, lost, name, no_route, respond, version, written};

#[tokio::test]
async fn first_write_asks_what_is_mounted_and_later_ones_do_not() {
    let server = Server::with_mount().await;
    server.expects("POST", DATA, written(4), 2).await;
    let kv = server.kv();
    for _ in 0..2 {
        assert_eq!(kv.write(&name(), &fields("v"), Cas::Any).await.unwrap().version, 4);
    }
    assert_eq!(server.requests("GET", MOUNT).await, 1);
}

#[tokio::test]
async fn value_above_768_kib_is_refused_before_anything_is_sent() {
    let server = Server::with_mount().await;
    let large = fields(&"a".repeat(vault_kv::MAX_VALUE_BYTES + 1));
    let error = server.kv().write(&name(), &large, Cas::Any).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(server.requests("GET", MOUNT).await, 0);
}

/// C3: each answer to a write, and what it means for the caller.
#[tokio::test]
async fn answer_to_a_write_of_another_status_or_shape_is_not_success() {
    let check = async |answer: ResponseTemplate, expected: ErrorKind| {
        let server = Server::with_mount().await;
        server.answers("POST", DATA, answer).await;
        let error = server.kv().write(&name(), &fields("v"), Cas::Any).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
    };
    let errors = |text: &str| respond(400, json!({ "errors": [text] }));
    check(
        errors("check-and-set parameter did not match the current version"),
        ErrorKind::CasMismatch,
    )
    .await;
    check(errors("check-and-set parameter required for this call"), ErrorKind::CasRequired).await;
    // Certainly not executed.
    check(no_route(), ErrorKind::Exchange(Http::Malformed)).await;
    check(respond(404, json!({ "data": version(1) })), ErrorKind::Exchange(Http::Malformed)).await;
    // Perhaps executed.
    check(respond(200, json!({ "message": "welcome" })), ErrorKind::Ambiguous).await;
    check(ResponseTemplate::new(204), ErrorKind::Ambiguous).await;
    check(lost(), ErrorKind::Ambiguous).await;
}

#[tokio::test]
async fn patch_of_a_deleted_version_is_not_found_and_a_gateways_404_is_malformed() {
    let check = async |answer, expected| {
        let server = Server::with_mount().await;
        server.answers("PATCH", DATA, answer).await;
        let error = server.kv().patch(&name(), &fields("v"), Cas::Any).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
    };
    // As Vault 1.21 answers.
    check(respond(404, json!({ "data": version(2) })), ErrorKind::NotFound).await;
    check(no_route(), ErrorKind::Exchange(Http::Malformed)).await;
}

/// C3: a delete that a gateway answered has deleted nothing.
#[tokio::test]
async fn versions_are_deleted_undeleted_and_destroyed_only_when_vault_says_so() {
    let check = async |answer: ResponseTemplate, expected: Result<(), ErrorKind>| {
        let server = Server::with_mount().await;
        server.answers("DELETE", DATA, answer.clone()).await;
        for endpoint in ["delete", "undelete", "destroy"] {
            server.answers("POST", &format!("kv/{endpoint}/name"), answer.clone()).await;
        }
        let kv = server.kv();
        let results = [
            kv.delete_latest(&name()).await,
            kv.delete_versions(&name(), &[1]).await,
            kv.undelete(&name(), &[1]).await,
            kv.destroy(&name(), &[1]).await,
        ];
        for result in results {
            assert_eq!(result.map_err(|error| error.kind()), expected);
        }
    };
    check(ResponseTemplate::new(204), Ok(())).await;
    check(no_route(), Err(ErrorKind::Exchange(Http::Malformed))).await;
}
