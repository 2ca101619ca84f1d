//! The resolution of 403 responses.

use std::time::Duration;

use serde_json::json;
use testkit::leaks;
use vault_auth::{Auth, Credential, StaticToken};
use vault_http::{Denial, DenialOutcome, ErrorKind, TokenSource};
use wiremock::matchers::{any, header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::server::{client, value};

#[tokio::test]
async fn dead_static_token_is_an_error_without_a_request() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).expect(0).mount(&server).await;
    let auth = Auth::new(client(&server), StaticToken::new(value("hvs.PLANTED-x")));
    let generation = auth.token().await.unwrap().generation;
    let denial = Denial::new(generation, true);
    assert_eq!(auth.denied(denial).await.unwrap_err().kind(), ErrorKind::TokenInvalid);
}

#[tokio::test]
async fn token_file_is_read_again_when_its_token_is_dead() {
    let _watch = leaks::watch();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "hvs.old\n").unwrap();
    let server = MockServer::start().await;
    let source = Credential::File(file.path().to_owned());
    let auth = Auth::new(client(&server), StaticToken::new(source));
    let generation = auth.token().await.unwrap().generation;
    std::fs::write(&file, "hvs.new\n").unwrap();
    let denial = Denial::new(generation, true);
    assert_eq!(auth.denied(denial).await.unwrap(), DenialOutcome::Replaced);
    assert_eq!(auth.token().await.unwrap().token.expose(), "hvs.new");
    // A late denial of the old generation does not affect the new token.
    assert_eq!(auth.denied(denial).await.unwrap(), DenialOutcome::Replaced);
    assert_eq!(auth.token().await.unwrap().token.expose(), "hvs.new");
}

#[tokio::test]
async fn denials_of_one_generation_share_a_look_up() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let lookup = ResponseTemplate::new(200).set_body_json(json!({ "data": {} }));
    Mock::given(path("/v1/auth/token/lookup-self"))
        .and(header("x-vault-token", "hvs.one"))
        .respond_with(lookup.set_delay(Duration::from_millis(20)))
        .expect(1)
        .mount(&server)
        .await;
    let auth = Auth::new(client(&server), StaticToken::new(value("hvs.one")));
    let denial = Denial::new(auth.token().await.unwrap().generation, false);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let auth = auth.clone();
        callers.spawn(async move { auth.denied(denial).await.unwrap() });
    }
    let outcomes = callers.join_all().await;
    assert!(outcomes.iter().all(|outcome| *outcome == DenialOutcome::PathDenied));
}

#[tokio::test]
async fn look_up_denied_by_policy_means_that_the_token_is_alive() {
    let _watch = leaks::watch();
    let check = async |text: &str, expected: Result<DenialOutcome, ErrorKind>| {
        let server = MockServer::start().await;
        let refusal = ResponseTemplate::new(403).set_body_json(json!({ "errors": [text] }));
        Mock::given(path("/v1/auth/token/lookup-self")).respond_with(refusal).mount(&server).await;
        let auth = Auth::new(client(&server), StaticToken::new(value("hvs.one")));
        let generation = auth.token().await.unwrap().generation;
        let outcome = auth.denied(Denial::new(generation, false)).await;
        assert_eq!(outcome.map_err(|error| error.kind()), expected, "{text}");
    };
    check("1 error occurred:\n\t* permission denied\n\n", Ok(DenialOutcome::PathDenied)).await;
    check("permission denied", Err(ErrorKind::TokenInvalid)).await;
    check("2 errors occurred: permission denied, invalid token", Err(ErrorKind::TokenInvalid))
        .await;
}
