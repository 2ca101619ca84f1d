use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vault_kv::{Cas, ErrorKind, ParseErrorKind};
use wiremock::Request;

use super::server::{DATA, Server, name, respond, secret, version, written};

#[derive(Serialize, Deserialize)]
struct Database {
    user: String,
    #[serde(serialize_with = "vault_kv::serialize_exposed")]
    password: SecretString,
    port: u16,
}

#[tokio::test]
async fn secret_is_read_as_a_type() {
    let server = Server::with_mount().await;
    let data = json!({ "user": "app", "password": "s3cret", "port": "5432", "other": null });
    server.responds("GET", DATA, secret(1, data)).await;
    let database: Database = server.kv().read_as(&name()).await.unwrap();
    assert_eq!((&*database.user, database.port), ("app", 5432));
    assert_eq!(database.password.expose_secret(), "s3cret");
    let read = server.kv().read(&name()).await.unwrap();
    assert_eq!(read.parse::<Database>().unwrap().port, 5432);
}

#[tokio::test]
async fn secret_that_does_not_fit_the_type_is_an_error_that_names_the_field() {
    let server = Server::with_mount().await;
    let data = json!({ "user": "app", "password": "s3cret", "port": "PLANTED" });
    server.responds("GET", DATA, secret(1, data)).await;
    let error = server.kv().read_as::<Database>(&name()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidFields);
    assert_eq!(error.to_string(), "GET kv/data/name: field `port`: expected u16");
    let cause = error.parse_error().unwrap();
    assert_eq!((cause.field(), cause.kind()), (Some("port"), ParseErrorKind::Invalid));
    assert!(!error.may_serve_stale() && !format!("{error:?}").contains("PLANTED"));
}

#[tokio::test]
async fn type_is_written_with_check_and_set() {
    let server = Server::with_mount().await;
    server
        .responds("POST", DATA, |request: &Request| {
            let body: serde_json::Value = request.body_json().unwrap();
            let data = json!({ "user": "app", "password": "s3cret", "port": 5432 });
            let is_expected = body == json!({ "data": data, "options": { "cas": 3 } });
            if is_expected { written(4) } else { respond(400, json!({ "errors": ["body"] })) }
        })
        .await;
    let database = Database { user: "app".into(), password: "s3cret".into(), port: 5432 };
    let stored = server.kv().write_value(&name(), &database, Cas::Version(3)).await.unwrap();
    assert_eq!(stored.version, 4);
}

#[tokio::test]
async fn value_that_is_not_an_object_is_rejected_before_anything_is_sent() {
    let server = Server::start().await;
    let error = server.kv().write_value(&name(), &["PLANTED"], Cas::Any).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidFields);
    let text = "POST kv/data/name: the value is not a JSON object with distinct names";
    assert_eq!(error.to_string(), text);
    assert!(!server.kv().has_sent_change());
    assert_eq!(server.requests("POST", DATA).await, 0);
}

#[tokio::test]
async fn messages_of_the_server_are_returned_beside_the_text_of_the_error() {
    let server = Server::with_mount().await;
    let rejected = respond(400, json!({ "errors": ["data must be a map"] }));
    server.responds("POST", DATA, rejected).await;
    let fields = super::server::fields("value");
    let error = server.kv().write(&name(), &fields, Cas::Any).await.err().unwrap();
    assert_eq!(error.vault_messages(), ["data must be a map"]);
    assert!(!error.to_string().contains("must be a map"));
    assert_eq!(error.http_error().and_then(vault_http::Error::status), Some(400));
    let deleted = json!({ "data": { "data": null, "metadata": version(2) } });
    server.responds("GET", DATA, respond(404, deleted)).await;
    let error = server.kv().read(&name()).await.err().unwrap();
    assert!(error.vault_messages().is_empty() && error.http_error().is_none());
}
