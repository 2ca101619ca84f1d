//! Logins against scripted answers: what a real server can't be made to say at will.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use testkit::leaks;
use vault_auth::{AppRole, Auth, Credential, Jwt, OnShutdown, State, StaticToken};
use vault_http::{
    Address, ApiPath, Client, Denial, DenialOutcome, ErrorKind, Executed, Plaintext, Request,
    Session, TokenSource,
};
use wiremock::matchers::{any, body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn client(server: &MockServer) -> Client {
    let address = Address::parse(&server.uri(), Plaintext::LoopbackOnly).unwrap();
    Client::builder(address).build().unwrap()
}

fn value(text: &str) -> Credential {
    Credential::Value(SecretString::from(text))
}

fn approle(server: &MockServer) -> Auth {
    Auth::new(client(server), AppRole::new(value(" role \n"), value("PLANTED-x")))
}

fn login_with(auth: serde_json::Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "auth": auth }))
}

fn token(text: &str, lease: i64) -> ResponseTemplate {
    login_with(json!({ "client_token": text, "lease_duration": lease, "renewable": true }))
}

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/v1/auth/approle/login")).respond_with(answer).mount(&server).await;
    server
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn ten_thousand_callers_share_one_login() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/auth/approle/login"))
        .and(body_json(json!({ "role_id": "role", "secret_id": "PLANTED-x" })))
        .respond_with(token("hvs.one", 3600).set_delay(Duration::from_millis(50)))
        .expect(1)
        .mount(&server)
        .await;
    let auth = approle(&server);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..10_000 {
        let auth = auth.clone();
        callers.spawn(async move { auth.token().await.unwrap().token.expose().to_owned() });
    }
    let tokens = callers.join_all().await;
    assert!(tokens.iter().all(|token| token == "hvs.one"));
}

#[tokio::test]
async fn a_caller_that_gives_up_ends_nothing() {
    let _watch = leaks::watch();
    let server = server(token("hvs.one", 3600).set_delay(Duration::from_millis(100))).await;
    let auth = approle(&server);
    let gave_up = tokio::time::timeout(Duration::from_millis(10), auth.token()).await;
    assert!(gave_up.is_err());
    assert_eq!(auth.token().await.unwrap().token.expose(), "hvs.one");
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn answers_without_a_usable_token_are_malformed() {
    let watch = leaks::watch();
    let answers = [
        login_with(json!(null)),
        login_with(json!({ "client_token": "", "lease_duration": 1 })),
        login_with(json!({ "client_token": "a\nb", "lease_duration": 1 })),
        login_with(json!({ "client_token": "PLANTED-x" })),
        token("PLANTED-x", -1),
        ResponseTemplate::new(204),
    ];
    for answer in answers {
        let server = server(answer).await;
        let error = approle(&server).token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        watch.error(&error);
    }
}

#[tokio::test]
async fn a_refused_credential_is_left_alone() {
    let _watch = leaks::watch();
    for status in [400, 403, 404] {
        let body = json!({ "errors": ["permission denied"] });
        let server = server(ResponseTemplate::new(status).set_body_json(body)).await;
        let auth = approle(&server);
        for _ in 0..3 {
            assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::LoginRefused);
        }
        assert_eq!(requests(&server).await, 1, "{status}");
    }
}

#[tokio::test]
async fn an_unavailable_server_is_asked_three_times_for_all_who_come_soon() {
    let _watch = leaks::watch();
    let body = json!({ "errors": ["Vault is sealed"] });
    let server = server(ResponseTemplate::new(503).set_body_json(body)).await;
    let auth = approle(&server);
    for _ in 0..10 {
        assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Sealed);
    }
    // Sealed means that nothing was executed; after that, the source tries again by itself.
    assert_eq!(requests(&server).await, 3);
}

#[tokio::test]
async fn a_dead_static_token_is_refused_without_a_login() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).expect(0).mount(&server).await;
    let auth = Auth::new(client(&server), StaticToken::new(value("hvs.PLANTED-x")));
    let generation = auth.token().await.unwrap().generation;
    let denial = Denial { generation, token_invalid: true };
    assert_eq!(auth.denied(denial).await.unwrap_err().kind(), ErrorKind::TokenInvalid);
}

#[tokio::test]
async fn a_token_file_is_read_again_when_its_token_is_dead() {
    let _watch = leaks::watch();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "hvs.old\n").unwrap();
    let server = MockServer::start().await;
    let source = Credential::File(file.path().to_owned());
    let auth = Auth::new(client(&server), StaticToken::new(source));
    let generation = auth.token().await.unwrap().generation;
    std::fs::write(&file, "hvs.new\n").unwrap();
    let denial = Denial { generation, token_invalid: true };
    assert_eq!(auth.denied(denial).await.unwrap(), DenialOutcome::Replaced);
    assert_eq!(auth.token().await.unwrap().token.expose(), "hvs.new");
    // A late denial of the old generation does not touch the new token.
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
    let denial =
        Denial { generation: auth.token().await.unwrap().generation, token_invalid: false };
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let auth = auth.clone();
        callers.spawn(async move { auth.denied(denial).await.unwrap() });
    }
    let verdicts = callers.join_all().await;
    assert!(verdicts.iter().all(|verdict| *verdict == DenialOutcome::PathDenied));
}

#[tokio::test]
async fn all_that_concerns_a_token_is_sent_to_its_namespace() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let answers = [
        ("auth/approle/login", token("hvs.one", 3600)),
        ("auth/token/lookup-self", ResponseTemplate::new(200).set_body_json(json!({ "data": {} }))),
        ("auth/token/revoke-self", ResponseTemplate::new(204)),
    ];
    for (at, answer) in answers {
        Mock::given(path(format!("/v1/{at}")))
            .and(header("x-vault-namespace", "team-a"))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
    }
    let namespace = Some(ApiPath::from_static("team-a"));
    let method = AppRole::new(value("role"), value("PLANTED-x"));
    let auth = Auth::in_namespace(client(&server), namespace, method);
    let generation = auth.token().await.unwrap().generation;
    let denial = Denial { generation, token_invalid: false };
    assert_eq!(auth.denied(denial).await.unwrap(), DenialOutcome::PathDenied);
    auth.shutdown(OnShutdown::Revoke).await;
}

#[tokio::test]
async fn a_look_up_that_is_refused_by_policy_means_that_the_token_lives() {
    let _watch = leaks::watch();
    let check = async |text: &str, expected: Result<DenialOutcome, ErrorKind>| {
        let server = MockServer::start().await;
        let refusal = ResponseTemplate::new(403).set_body_json(json!({ "errors": [text] }));
        Mock::given(path("/v1/auth/token/lookup-self")).respond_with(refusal).mount(&server).await;
        let auth = Auth::new(client(&server), StaticToken::new(value("hvs.one")));
        let generation = auth.token().await.unwrap().generation;
        let verdict = auth.denied(Denial { generation, token_invalid: false }).await;
        assert_eq!(verdict.map_err(|error| error.kind()), expected, "{text}");
    };
    check("1 error occurred:\n\t* permission denied\n\n", Ok(DenialOutcome::PathDenied)).await;
    check("permission denied", Err(ErrorKind::TokenInvalid)).await;
    check("2 errors occurred: permission denied, invalid token", Err(ErrorKind::TokenInvalid))
        .await;
}

/// The answer of a gateway that has no route for a moment.
fn no_route() -> ResponseTemplate {
    ResponseTemplate::new(404).set_body_json(json!({ "message": "no Route matched" }))
}

/// C3: what is not Vault's answer to a login is not a refusal.
#[tokio::test]
async fn login_answered_by_a_gateway_is_malformed_and_certainly_not_executed() {
    let _watch = leaks::watch();
    let server = server(no_route()).await;
    let auth = approle(&server);
    let error = auth.token().await.unwrap_err();
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Malformed, Executed::No), "{error}");
    assert_eq!(auth.status().state, State::Degraded, "{error}");
}

/// C3: a look-up that a gateway answers says nothing about the token.
#[tokio::test]
async fn look_up_answered_by_a_gateway_is_not_a_token_alive() {
    let _watch = leaks::watch();
    let other = ResponseTemplate::new(200).set_body_json(json!({ "message": "welcome" }));
    for answer in [no_route(), other] {
        let server = MockServer::start().await;
        let lookup = Mock::given(path("/v1/auth/token/lookup-self"));
        lookup.respond_with(answer).expect(1).mount(&server).await;
        let auth = Auth::new(client(&server), StaticToken::new(value("hvs.one")));
        let generation = auth.token().await.unwrap().generation;
        let verdict = auth.denied(Denial { generation, token_invalid: false }).await;
        assert_eq!(verdict.unwrap_err().kind(), ErrorKind::Malformed);
        // The token is still used.
        assert_eq!(auth.token().await.unwrap().generation, generation);
    }
}

/// C3: a token that was not looked up is not one without an end.
#[tokio::test]
async fn given_token_whose_look_up_a_gateway_answers_is_not_used() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(no_route()).mount(&server).await;
    let auth = Auth::new(client(&server), StaticToken::new(value("hvs.one")).looked_up());
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Malformed);
}

/// C3: a renewal that a gateway answers has renewed nothing.
#[tokio::test]
async fn renewal_answered_by_a_gateway_is_a_failure_and_keeps_the_token() {
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
    assert_eq!((counts.renewals, counts.refusals, counts.deaths), (0, 0, 0));
}

/// C12: answered as Vault does.
#[tokio::test]
async fn login_that_requires_mfa_is_refused_and_not_repeated() {
    let _watch = leaks::watch();
    let requirement = json!({ "mfa_request_id": "d0c9", "mfa_constraints": {} });
    let auth = json!({
        "client_token": "", "accessor": "", "policies": null, "lease_duration": 0,
        "renewable": false, "mfa_requirement": requirement,
    });
    let server = server(login_with(auth)).await;
    let auth = approle(&server);
    for _ in 0..3 {
        let error = auth.token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRefused);
        assert_eq!(error.detail(), "the login requires MFA, which km does not support");
    }
    assert_eq!((auth.status().state, requests(&server).await), (State::Rejected, 1));
}

/// C5: fields that the role does not ask for are not sent.
#[tokio::test]
async fn login_without_a_secret_id_or_a_role_leaves_it_out_of_the_body() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    for (at, body) in [
        ("/v1/auth/approle/login", json!({ "role_id": "role" })),
        ("/v1/auth/jwt/login", json!({ "jwt": "a.b.c" })),
    ] {
        let login = Mock::given(path(at)).and(body_json(body));
        login.respond_with(token("hvs.one", 3600)).expect(1).mount(&server).await;
    }
    Auth::new(client(&server), AppRole::without_secret_id(value("role"))).ready().await.unwrap();
    Auth::new(client(&server), Jwt::with_default_role(value("a.b.c"))).ready().await.unwrap();
}

/// A server that is sealed, and then is not.
#[tokio::test]
async fn sealed_server_is_probed_without_a_token_and_logged_in_to_when_it_is_unsealed() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let sealed = ResponseTemplate::new(503).set_body_json(json!({ "errors": ["Vault is sealed"] }));
    let login = Mock::given(path("/v1/auth/approle/login")).respond_with(sealed).expect(3);
    let login = login.mount_as_scoped(&server).await;
    let health = json!({ "initialized": true, "sealed": true, "standby": true });
    let health = ResponseTemplate::new(503).set_body_json(health);
    let probe = Mock::given(path("/v1/sys/health")).respond_with(health).expect(2..);
    let probe = probe.mount_as_scoped(&server).await;
    let auth = approle(&server);
    assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Sealed);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    drop((login, probe));

    let health = json!({ "initialized": true, "sealed": false, "standby": false });
    let health = ResponseTemplate::new(200).set_body_json(health);
    Mock::given(path("/v1/sys/health")).respond_with(health).mount(&server).await;
    let login = Mock::given(path("/v1/auth/approle/login"));
    login.respond_with(token("hvs.one", 3600)).expect(1).mount(&server).await;
    let begun = tokio::time::Instant::now();
    while auth.token().await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// C2: the program chooses whether a replaced token is revoked.
#[tokio::test]
async fn token_in_use_is_revoked_at_shutdown_and_one_login_under_way_with_it() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let first = Mock::given(path("/v1/auth/approle/login")).respond_with(token("hvs.one", 3600));
    first.up_to_n_times(1).mount(&server).await;
    let second = token("hvs.two", 3600).set_delay(Duration::from_millis(300));
    Mock::given(path("/v1/auth/approle/login")).respond_with(second).mount(&server).await;
    for token in ["hvs.one", "hvs.two"] {
        Mock::given(path("/v1/auth/token/revoke-self"))
            .and(header("x-vault-token", token))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
    }
    let auth = approle(&server);
    auth.ready().await.unwrap();
    auth.reload();
    while auth.status().state != State::Draining {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    auth.shutdown(OnShutdown::Revoke).await;
}

/// C7: the server counts every request that it gets.
#[tokio::test]
async fn retries_of_a_token_with_a_number_of_uses_are_counted() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    for name in ["hvs.one", "hvs.two"] {
        let auth = json!({ "client_token": name, "lease_duration": 3600, "num_uses": 4 });
        let login = Mock::given(path("/v1/auth/approle/login")).respond_with(login_with(auth));
        login.up_to_n_times(1).mount(&server).await;
    }
    let busy = ResponseTemplate::new(500).set_body_json(json!({ "errors": ["a moment"] }));
    Mock::given(path("/v1/kv/data/a")).respond_with(busy).up_to_n_times(3).mount(&server).await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({ "data": {} }));
    Mock::given(path("/v1/kv/data/a")).respond_with(answer).mount(&server).await;
    let (client, auth) = (client(&server), approle(&server));
    let session = Session::new(client.clone(), std::sync::Arc::new(auth.clone()));
    let request = Request::get(ApiPath::parse("kv/data/a").unwrap());
    while session.send(&request, client.deadline()).await.is_err() {}
    for _ in 0..3 {
        session.send(&request, client.deadline()).await.unwrap();
    }
    let sent = server.received_requests().await.unwrap();
    let with = |token: &str| {
        let has = |request: &&wiremock::Request| {
            request.headers.get("x-vault-token").is_some_and(|header| header == token)
        };
        sent.iter().filter(has).count()
    };
    assert_eq!((with("hvs.one"), with("hvs.two")), (4, 3));
}
