//! Operations that write, patch and delete versions.

use serde_json::json;
use vault_http::ErrorKind as Http;
use vault_kv::{Cas, ErrorKind};
use wiremock::ResponseTemplate;

use crate::server::{DATA, MOUNT, Server, fields, lost, name, no_route, respond, version, written};

#[tokio::test]
async fn first_write_looks_up_the_mount_and_later_ones_do_not() {
    let server = Server::with_mount().await;
    server.expects("POST", DATA, written(4), 2).await;
    let kv = server.kv();
    for _ in 0..2 {
        assert_eq!(kv.write(&name(), &fields("v"), Cas::Any).await.unwrap().version, 4);
    }
    assert_eq!(server.requests("GET", MOUNT).await, 1);
}

#[tokio::test]
async fn value_above_768_kib_is_rejected_before_anything_is_sent() {
    let server = Server::with_mount().await;
    let large = fields(&"a".repeat(vault_kv::MAX_VALUE_BYTES + 1));
    let error = server.kv().write(&name(), &large, Cas::Any).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(server.requests("GET", MOUNT).await, 0);
}

/// C3: the error of each response to a write.
#[tokio::test]
async fn response_to_a_write_of_another_status_or_shape_is_an_error() {
    let check = async |response: ResponseTemplate, expected: ErrorKind| {
        let server = Server::with_mount().await;
        server.responds("POST", DATA, response).await;
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
    // Possibly executed.
    check(respond(200, json!({ "message": "welcome" })), ErrorKind::Ambiguous).await;
    check(ResponseTemplate::new(204), ErrorKind::Ambiguous).await;
    check(lost(), ErrorKind::Ambiguous).await;
}

#[tokio::test]
async fn patch_of_a_deleted_version_is_not_found_and_a_gateways_404_is_malformed() {
    let check = async |response, expected| {
        let server = Server::with_mount().await;
        server.responds("PATCH", DATA, response).await;
        let error = server.kv().patch(&name(), &fields("v"), Cas::Any).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
    };
    // The response of Vault 1.21.
    check(respond(404, json!({ "data": version(2) })), ErrorKind::NotFound).await;
    check(no_route(), ErrorKind::Exchange(Http::Malformed)).await;
}

/// C3: a delete to which a gateway responded has deleted nothing.
#[tokio::test]
async fn change_of_versions_succeeds_only_with_a_response_of_vault() {
    let check = async |response: ResponseTemplate, expected: Result<(), ErrorKind>| {
        let server = Server::with_mount().await;
        server.responds("DELETE", DATA, response.clone()).await;
        for endpoint in ["delete", "undelete", "destroy"] {
            server.responds("POST", &format!("kv/{endpoint}/name"), response.clone()).await;
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
