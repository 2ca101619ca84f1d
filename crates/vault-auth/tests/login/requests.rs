//! The requests of a token source, and how callers share them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use testkit::leaks;
use vault_auth::{
    AppRole, Auth, Credential, Jwt, LoginInfo, Method, OnShutdown, State, StaticToken,
};
use vault_http::{ApiPath, Denial, DenialOutcome, ErrorKind, Request, Session, TokenSource};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::server::{approle, client, login_with, requests, server, token, value};

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
async fn caller_that_gives_up_does_not_cancel_the_login() {
    let _watch = leaks::watch();
    let server = server(token("hvs.one", 3600).set_delay(Duration::from_millis(100))).await;
    let auth = approle(&server);
    let gave_up = tokio::time::timeout(Duration::from_millis(10), auth.token()).await;
    assert!(gave_up.is_err());
    assert_eq!(auth.token().await.unwrap().token.expose(), "hvs.one");
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn response_without_a_usable_token_is_malformed() {
    let watch = leaks::watch();
    let responses = [
        login_with(json!(null)),
        login_with(json!({ "client_token": "", "lease_duration": 1 })),
        login_with(json!({ "client_token": "a\nb", "lease_duration": 1 })),
        login_with(json!({ "client_token": "PLANTED-x" })),
        token("PLANTED-x", -1),
        ResponseTemplate::new(204),
    ];
    for response in responses {
        let server = server(response).await;
        let error = approle(&server).token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        watch.error(&error);
    }
}

#[tokio::test]
async fn all_requests_about_a_token_are_sent_to_its_namespace() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let responses = [
        ("auth/approle/login", token("hvs.one", 3600)),
        ("auth/token/lookup-self", ResponseTemplate::new(200).set_body_json(json!({ "data": {} }))),
        ("auth/token/revoke-self", ResponseTemplate::new(204)),
    ];
    for (at, response) in responses {
        Mock::given(path(format!("/v1/{at}")))
            .and(header("x-vault-namespace", "team-a"))
            .respond_with(response)
            .expect(1)
            .mount(&server)
            .await;
    }
    let namespace = Some(ApiPath::from_static("team-a"));
    let method = AppRole::new(value("role"), value("PLANTED-x"));
    let auth = Auth::in_namespace(client(&server), namespace, method);
    let generation = auth.token().await.unwrap().generation;
    let denial = Denial::new(generation, false);
    assert_eq!(auth.denied(denial).await.unwrap(), DenialOutcome::PathDenied);
    auth.shutdown(OnShutdown::Revoke).await;
}

/// Fields that the role does not need are not sent.
#[tokio::test]
async fn absent_secret_id_or_role_is_not_sent() {
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

/// Revocation at shutdown is independent of `revoke_replaced`.
#[tokio::test]
async fn shutdown_revokes_the_active_token_and_that_of_a_login_in_flight() {
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

/// The server counts every request that it receives.
#[tokio::test]
async fn retries_take_uses_of_a_use_limited_token() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    for name in ["hvs.one", "hvs.two"] {
        let auth = json!({ "client_token": name, "lease_duration": 3600, "num_uses": 4 });
        let login = Mock::given(path("/v1/auth/approle/login")).respond_with(login_with(auth));
        login.up_to_n_times(1).mount(&server).await;
    }
    let busy = ResponseTemplate::new(500).set_body_json(json!({ "errors": ["try again"] }));
    Mock::given(path("/v1/kv/data/a")).respond_with(busy).up_to_n_times(3).mount(&server).await;
    let response = ResponseTemplate::new(200).set_body_json(json!({ "data": {} }));
    Mock::given(path("/v1/kv/data/a")).respond_with(response).mount(&server).await;
    let (client, auth) = (client(&server), approle(&server));
    let session = Session::new(client.clone(), auth.clone());
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

/// The method is chosen at run time.
#[tokio::test]
async fn boxed_method_logs_in_with_the_settings_of_its_own() {
    let _watch = leaks::watch();
    let server = server(token("hvs.one", 3600)).await;
    let approle = || AppRole::new(value("role"), value("PLANTED-x"));
    let (boxed, shared): (Box<dyn Method>, Arc<dyn Method>) =
        (Box::new(approle()), Arc::new(approle().wrapped()));
    assert_eq!((boxed.is_repeatable(), Method::is_repeatable(&shared)), (true, false));
    assert!(Method::locks_out(&boxed) && Method::locks_out(&shared));
    Auth::new(client(&server), boxed).ready().await.unwrap();
    let file = Credential::File("/nonexistent/token".into());
    let files: Arc<dyn Method> = Arc::new(StaticToken::new(file));
    assert_eq!(Method::files(&files).len(), 1);
    assert!(Method::logs_in_on_file_change(&files));
}

#[tokio::test]
async fn status_says_who_has_logged_in() {
    let watch = leaks::watch();
    let login = json!({
        "client_token": "hvs.one", "lease_duration": 3600, "accessor": "PLANTED-accessor",
        "policies": ["default", "gateway"], "metadata": { "role_name": "gateway" },
        "entity_id": "d0c9",
    });
    let auth = approle(&server(login_with(login)).await);
    assert!(auth.status().login.is_none());
    auth.ready().await.unwrap();
    let status = auth.status();
    watch.debug(&status);
    let info = status.login.unwrap();
    assert_eq!(info.accessor.as_deref(), Some("PLANTED-accessor"));
    assert_eq!(info.policies.unwrap(), ["default", "gateway"]);
    assert_eq!(info.metadata["role_name"], "gateway");
    assert_eq!(info.entity_id.as_deref(), Some("d0c9"));
    auth.shutdown(OnShutdown::Keep).await;
    assert!(auth.status().login.is_none());

    // A batch token has neither an accessor nor, here, an entity.
    let login = json!({
        "client_token": "hvb.one", "lease_duration": 3600, "accessor": "", "policies": null,
        "metadata": null, "entity_id": "",
    });
    let auth = approle(&server(login_with(login)).await);
    auth.ready().await.unwrap();
    assert_eq!(auth.status().login.unwrap(), LoginInfo::default());
}
