//! Logins that fail.

use std::time::Duration;

use serde_json::json;
use testkit::leaks;
use vault_auth::State;
use vault_http::{ErrorKind, TokenSource};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::server::{approle, login_with, requests, server, token};

#[tokio::test]
async fn refused_credential_is_not_sent_again_for_other_callers() {
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
async fn unavailable_server_receives_three_logins_for_all_callers() {
    let _watch = leaks::watch();
    let body = json!({ "errors": ["Vault is sealed"] });
    let server = server(ResponseTemplate::new(503).set_body_json(body)).await;
    let auth = approle(&server);
    for _ in 0..10 {
        assert_eq!(auth.token().await.unwrap_err().kind(), ErrorKind::Sealed);
    }
    // Sealed means not executed, so there are two quick retries. Later ones are in the background.
    assert_eq!(requests(&server).await, 3);
}

/// The response is that of Vault.
#[tokio::test]
async fn login_that_requires_mfa_is_refused_and_not_retried() {
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

/// A server that is unsealed later.
#[tokio::test]
async fn sealed_server_is_probed_and_logged_in_to_when_unsealed() {
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
    let start = tokio::time::Instant::now();
    while auth.token().await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
