//! Operations on the metadata of secrets.

use serde_json::{Value, json};
use vault_http::ErrorKind as Http;
use vault_kv::{ErrorKind, MetadataUpdate};
use wiremock::ResponseTemplate;

use crate::server::{METADATA, Server, absent, name, no_route, respond};

fn metadata() -> Value {
    json!({
        "current_version": 2, "oldest_version": 1, "max_versions": 0, "cas_required": false,
        "delete_version_after": "0s", "created_time": "2026-01-01T00:00:00Z",
        "updated_time": "2026-01-02T00:00:00Z", "custom_metadata": { "owner": "team" },
        "versions": {
            "1": { "created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": true },
            "2": { "created_time": "2026-01-02T00:00:00Z", "deletion_time": "2026-01-03T00:00:00Z",
                   "destroyed": false },
        },
    })
}

#[tokio::test]
async fn metadata_is_read_with_all_its_versions() {
    let server = Server::start().await;
    server.expects("GET", METADATA, respond(200, json!({ "data": metadata() })), 1).await;
    let metadata = server.kv().metadata(&name()).await.unwrap();
    assert_eq!(metadata.current_version, 2);
    assert_eq!(metadata.custom_metadata.get("owner").map(String::as_str), Some("team"));
    let version = |number| metadata.versions.get(&number).unwrap();
    assert!(version(1).destroyed && version(1).deletion_time.is_none());
    assert_eq!(version(2).deletion_time.as_deref(), Some("2026-01-03T00:00:00Z"));
}

/// C3
#[tokio::test]
async fn metadata_of_another_status_or_shape_is_malformed() {
    let check = async |response, expected| {
        let server = Server::with_mount().await;
        server.responds("GET", METADATA, response).await;
        let error = server.kv().metadata(&name()).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
    };
    check(absent(), ErrorKind::NotFound).await;
    check(no_route(), ErrorKind::Exchange(Http::Malformed)).await;
    check(respond(404, json!({ "data": metadata() })), ErrorKind::Exchange(Http::Malformed)).await;
    check(respond(200, json!({ "data": {} })), ErrorKind::Exchange(Http::Malformed)).await;
}

/// C3: a gateway's response does not show that anything was changed.
#[tokio::test]
async fn change_of_metadata_succeeds_only_with_a_response_of_vault() {
    let check = async |response: ResponseTemplate, expected: Result<(), ErrorKind>| {
        let server = Server::with_mount().await;
        for verb in ["POST", "PATCH", "DELETE"] {
            server.responds(verb, METADATA, response.clone()).await;
        }
        let (kv, update) = (server.kv(), MetadataUpdate::default());
        let results = [
            kv.put_metadata(&name(), &update).await,
            kv.patch_metadata(&name(), &update).await,
            kv.delete_metadata(&name()).await,
        ];
        for result in results {
            assert_eq!(result.map_err(|error| error.kind()), expected);
        }
    };
    check(ResponseTemplate::new(204), Ok(())).await;
    let warned = json!({ "request_id": "d0c9", "data": null, "warnings": ["a warning"] });
    check(respond(200, warned), Ok(())).await;
    check(no_route(), Err(ErrorKind::Exchange(Http::Malformed))).await;
    check(respond(200, json!({ "message": "welcome" })), Err(ErrorKind::Ambiguous)).await;
}
