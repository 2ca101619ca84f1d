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

#[tokio::test]
async fn metadata_has_the_servers_time_and_who_changed_a_version() {
    let check = async |by: Value, actor: Option<&str>, entity: Option<&str>| {
        let server = Server::start().await;
        let mut metadata = metadata();
        metadata["versions"]["2"]["created_by"] = by.clone();
        metadata["versions"]["2"]["deleted_by"] = by.clone();
        let response = respond(200, json!({ "data": metadata }));
        let response = response.insert_header("Date", "Fri, 02 Jan 2026 00:00:00 GMT");
        server.responds("GET", METADATA, response).await;
        let metadata = server.kv().metadata(&name()).await.unwrap();
        let time = humantime::parse_rfc3339("2026-01-02T00:00:00Z").unwrap();
        assert_eq!(metadata.server_time, Some(time));
        let version = metadata.versions.get(&2).unwrap();
        assert_eq!(version.created_by, version.deleted_by);
        let found = version.created_by.as_ref();
        let found = found.map(|by| (by.actor.as_str(), by.entity_id.as_deref()));
        assert_eq!(found, actor.map(|actor| (actor, entity)), "{by}");
    };
    // The forms of Vault 1.21, for a login and for a token without one.
    let login = json!({ "actor": "approle", "operation": "create", "client_id": "c",
        "entity_id": "e" });
    check(login, Some("approle"), Some("e")).await;
    let token = json!({ "actor": "token", "operation": "create", "client_id": "c" });
    check(token, Some("token"), None).await;
    // OpenBao reports nobody, and another form does not make the metadata unusable.
    for other in [json!(null), json!({}), json!("alice"), json!([1]), json!({ "actor": 1 })] {
        check(other, None, None).await;
    }
}

/// A version 1 engine takes `metadata/` for a part of a secret's name.
#[tokio::test]
async fn metadata_of_a_version_1_mount_is_not_a_miss() {
    for (version, expected) in [("1", ErrorKind::WrongKvVersion), ("2", ErrorKind::NotFound)] {
        let server = Server::start().await;
        server.mounts(version).await;
        server.responds("GET", METADATA, absent()).await;
        let error = server.kv().metadata(&name()).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
    }
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
