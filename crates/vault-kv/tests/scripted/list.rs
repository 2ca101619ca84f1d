use std::time::Duration;

use serde_json::json;
use vault_http::{Deadline, ErrorKind as Http};
use vault_kv::{ErrorKind, MAX_LIST_BYTES, SecretPath};
use wiremock::{Request, ResponseTemplate};

use super::server::{Server, absent, no_route, respond};

const FOLDER: &str = "kv/metadata/folder";

async fn list(server: &Server) -> Result<Vec<String>, ErrorKind> {
    // Large lists take long in a debug build.
    let kv = server.kv().with_deadline(Deadline::after(Duration::from_secs(120)));
    let listed = kv.list(Some(&SecretPath::new("folder").unwrap())).await;
    let listed = listed.map_err(|error| error.kind())?;
    Ok(listed.iter().map(ToString::to_string).collect())
}

fn keys(names: &[String]) -> ResponseTemplate {
    respond(200, json!({ "data": { "keys": names } }))
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("name-{number:06}")).collect()
}

fn parameter(request: &Request, name: &str) -> Option<String> {
    let mut pairs = request.url.query_pairs();
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Responds like OpenBao: with at most `limit` of the names that follow `after`, or with 404 if
/// there are none.
fn page(names: &[String], request: &Request) -> ResponseTemplate {
    let limit = parameter(request, "limit").unwrap().parse().unwrap();
    let after = parameter(request, "after").unwrap_or_default();
    let page: Vec<_> = names.iter().filter(|name| **name > after).take(limit).cloned().collect();
    if page.is_empty() { absent() } else { keys(&page) }
}

#[tokio::test]
async fn folder_is_listed_and_an_absent_folder_is_empty() {
    let check = async |response, expected: Result<&[&str], ErrorKind>| {
        let server = Server::with_mount().await;
        server.responds("GET", FOLDER, response).await;
        let expected: Result<Vec<_>, _> =
            expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(list(&server).await, expected);
        assert_eq!(server.requests("GET", FOLDER).await, 1);
    };
    check(respond(200, json!({ "data": { "keys": ["a", "b/"] } })), Ok(&["a", "b/"])).await;
    check(absent(), Ok(&[])).await;
    // Vault warns of the parameters that it ignores, and then sends no 404.
    let warning = json!(["Endpoint ignored these unrecognized parameters: [limit]"]);
    check(respond(200, json!({ "data": {}, "warnings": warning })), Ok(&[])).await;
    check(respond(200, json!({ "data": [] })), Err(ErrorKind::Exchange(Http::Malformed))).await;
    check(no_route(), Err(ErrorKind::Exchange(Http::Malformed))).await;
    check(
        respond(404, json!({ "data": { "keys": ["a"] } })),
        Err(ErrorKind::Exchange(Http::Malformed)),
    )
    .await;
}

#[tokio::test]
async fn entry_is_a_secret_or_a_folder_and_has_a_path() {
    let server = Server::with_mount().await;
    server
        .responds("GET", FOLDER, respond(200, json!({ "data": { "keys": ["a", "a/", "."] } })))
        .await;
    let folder = SecretPath::new("folder").unwrap();
    let listed = server.kv().list(Some(&folder)).await.unwrap();
    let shape: Vec<_> = listed.iter().map(|entry| (entry.name(), entry.is_folder())).collect();
    assert_eq!(shape, [("a", false), ("a", true), (".", false)]);
    let paths: Vec<_> = listed.iter().map(|entry| entry.path(Some(&folder)).ok()).collect();
    let path = SecretPath::new("folder/a").ok();
    assert_eq!(paths, [path.clone(), path, None]);
    assert_eq!(listed[1].path(None), SecretPath::new("a"));
}

#[tokio::test]
async fn folder_of_any_size_is_listed_from_a_server_with_and_without_pages() {
    for count in [1, 4_999, 5_000, 5_001, 10_000, 12_345] {
        let expected = names(count);
        let server = Server::with_mount().await;
        let all = expected.clone();
        server.responds("GET", FOLDER, move |request: &Request| page(&all, request)).await;
        assert_eq!(list(&server).await.as_ref(), Ok(&expected), "{count} in pages");

        let server = Server::with_mount().await;
        server.responds("GET", FOLDER, keys(&expected)).await;
        assert_eq!(list(&server).await.as_ref(), Ok(&expected), "{count} at once");
    }
}

#[tokio::test]
async fn list_above_the_limit_of_other_responses_is_read_and_one_above_its_own_is_not() {
    let long = "n".repeat(1024);
    let expected: Vec<_> = names(6_000).iter().map(|name| format!("{name}{long}")).collect();
    let server = Server::with_mount().await;
    server.responds("GET", FOLDER, keys(&expected)).await;
    assert_eq!(list(&server).await, Ok(expected));

    let server = Server::with_mount().await;
    server.responds("GET", FOLDER, keys(&["n".repeat(MAX_LIST_BYTES)])).await;
    assert_eq!(list(&server).await, Err(ErrorKind::Exchange(Http::Malformed)));
}

#[tokio::test]
async fn endless_list_is_rejected() {
    let server = Server::with_mount().await;
    let long = "n".repeat(4 * 1024);
    server
        .responds("GET", FOLDER, move |request: &Request| {
            let after = parameter(request, "after").map_or(0, |name| {
                name.trim_start_matches('0').trim_end_matches('n').parse::<usize>().unwrap_or(0) + 1
            });
            let page = (after..after + 5_000).map(|number| format!("{number:09}{long}"));
            keys(&page.collect::<Vec<_>>())
        })
        .await;
    assert_eq!(list(&server).await, Err(ErrorKind::TooLarge));
}
