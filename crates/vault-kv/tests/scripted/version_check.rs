//! Lookups of the mount. A version 1 engine reports a miss and accepts a write as version 2 does.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use vault_http::ErrorKind as Http;
use vault_kv::{Cas, ErrorKind, MountVersion};

use crate::server::{DATA, MOUNT, Server, absent, fields, mount, name, no_route, respond, written};

#[tokio::test]
async fn response_about_a_mount_shows_its_engine_and_version() {
    let check = async |response, expected: Result<MountVersion, ErrorKind>| {
        let server = Server::start().await;
        server.responds("GET", MOUNT, response).await;
        let version = server.kv().mount_version().await.map_err(|error| error.kind());
        assert_eq!(version, expected);
    };
    let other = |engine: &str, path: &str| {
        respond(200, json!({ "data": { "path": path, "type": engine, "options": null } }))
    };
    check(mount("2"), Ok(MountVersion::V2)).await;
    check(mount("1"), Ok(MountVersion::V1)).await;
    check(other("kv", "kv/"), Ok(MountVersion::V1)).await;
    check(other("transit", "kv/"), Ok(MountVersion::NotKv)).await;
    check(other("kv", "kv/deeper/"), Ok(MountVersion::NoMount)).await;
    let denied =
        "preflight capability check returned 403, please ensure client's policies grant access";
    check(respond(403, json!({ "errors": [denied] })), Ok(MountVersion::Unknown)).await;
    // C3
    check(no_route(), Err(ErrorKind::Exchange(Http::Malformed))).await;
}

#[tokio::test]
async fn version_1_mount_is_not_written_to() {
    let server = Server::start().await;
    server.mounts("1").await;
    server.expects("POST", DATA, written(1), 0).await;
    let error = server.kv().write(&name(), &fields("v"), Cas::Any).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKvVersion);
}

#[tokio::test]
async fn misses_on_a_version_2_mount_look_it_up_once() {
    let server = Server::with_mount().await;
    server.responds("GET", DATA, absent()).await;
    let kv = server.kv();
    for _ in 0..3 {
        assert_eq!(kv.read(&name()).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(server.requests("GET", MOUNT).await, 1);
}

/// D1: none of them is "not found", after which a gateway would use its fallback.
#[tokio::test]
async fn concurrent_misses_on_a_version_1_mount_share_a_lookup_and_are_all_errors() {
    let server = Server::start().await;
    server.responds("GET", MOUNT, mount("1").set_delay(Duration::from_millis(500))).await;
    server.responds("GET", DATA, absent()).await;
    let mut reads = JoinSet::new();
    let kv = server.kv();
    for _ in 0..30 {
        let kv = kv.clone();
        reads.spawn(async move { kv.read(&name()).await.unwrap_err().kind() });
    }
    let kinds = reads.join_all().await;
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::WrongKvVersion), "{kinds:?}");
    assert_eq!(server.requests("GET", MOUNT).await, 1);
}

/// D1: only version 2 is remembered.
#[tokio::test]
async fn lookup_that_fails_is_repeated_at_the_next_miss() {
    let server = Server::start().await;
    server.responds("GET", DATA, absent()).await;
    server.next("GET", MOUNT, respond(400, json!({ "errors": ["a moment"] })), 1).await;
    server.next("GET", MOUNT, no_route(), 1).await;
    server.mounts("1").await;
    let kv = server.kv();
    let kind = async || kv.read(&name()).await.unwrap_err().kind();
    assert_eq!([kind().await, kind().await], [ErrorKind::NotFound; 2]);
    assert_eq!([kind().await, kind().await], [ErrorKind::WrongKvVersion; 2]);
}

#[tokio::test]
async fn caller_that_waits_for_the_lookup_of_another_keeps_its_own_deadline() {
    let server = Server::start().await;
    server.responds("GET", MOUNT, mount("2").set_delay(Duration::from_millis(1_500))).await;
    let kv = server.kv();
    let hurried = kv.with_deadline(vault_http::Deadline::after(Duration::from_millis(300)));
    let (path, fields) = (name(), fields("v"));
    let (patient, hurried) = tokio::join!(kv.mount_version(), async {
        let (first, second) = tokio::join!(
            kv.write(&path, &fields, Cas::Any),
            hurried.write(&path, &fields, Cas::Any)
        );
        assert!(first.is_err(), "the server accepts no write");
        second.unwrap_err().kind()
    });
    assert_eq!(patient.unwrap(), MountVersion::V2);
    assert_eq!(hurried, ErrorKind::Exchange(Http::Timeout));
}
