//! Responses of an API gateway in place of Vault.

use std::time::Duration;

use serde_json::json;
use testkit::leaks;
use vault_auth::{Auth, State, StaticToken};
use vault_http::{Denial, ErrorKind, Executed, TokenSource};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::server::{approle, client, server, token, value};

/// Returns the response of an API gateway that has no route.
fn no_route() -> ResponseTemplate {
    ResponseTemplate::new(404).set_body_json(json!({ "message": "no Route matched" }))
}

/// A response that is not from Vault is not a refusal.
#[tokio::test]
async fn login_response_of_a_gateway_is_malformed_and_not_executed() {
    let _watch = leaks::watch();
    let server = server(no_route()).await;
    let auth = approle(&server);
    let error = auth.token().await.unwrap_err();
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Malformed, Executed::No), "{error}");
    assert_eq!(auth.status().state, State::Degraded, "{error}");
}

/// A look-up response that is not from Vault proves nothing about the token.
#[tokio::test]
async fn look_up_response_of_a_gateway_does_not_prove_the_token_alive() {
    let _watch = leaks::watch();
    let other = ResponseTemplate::new(200).set_body_json(json!({ "message": "welcome" }));
    for response in [no_route(), other] {
        let server = MockServer::start().await;
        let lookup = Mock::given(path("/v1/auth/token/lookup-self"));
        lookup.respond_with(response).expect(1).mount(&server).await;
        let auth = Auth::new(client(&server), StaticToken::new(value("hvs.one")));
        let generation = auth.token().await.unwrap().generation;
        let outcome = auth.denied(Denial::new(generation, false)).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Malformed);
        // The token stays in use.
        assert_eq!(auth.token().await.unwrap().generation, generation);
    }
}

/// The expiry of a token that could not be looked up is not taken as unlimited.
#[tokio::test]
async fn static_token_is_not_used_after_a_look_up_response_of_a_gateway() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(no_route()).mount(&server).await;
    let auth = Auth::new(client(&server), StaticToken::new(value("hvs.one")).with_lookup());
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Malformed);
}

/// A renewal response that is not from Vault has renewed nothing.
#[tokio::test]
async fn renewal_response_of_a_gateway_is_a_failure_and_keeps_the_token() {
    let _watch = leaks::watch();
    let server = server(token("hvs.one", 2)).await;
    let renewal = Mock::given(path("/v1/auth/token/renew-self"));
    renewal.respond_with(no_route()).mount(&server).await;
    let auth = approle(&server);
    auth.ready().await.unwrap();
    while auth.status().counts.failures == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counts = auth.status().counts;
    assert_eq!((counts.renewals, counts.refusals, counts.invalidated), (0, 0, 0));
}
