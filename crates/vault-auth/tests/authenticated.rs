//! `AuthenticatedClient` against scripted responses.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use vault_auth::{AppRole, Auth, AuthenticatedClient, Credential};
use vault_http::{Address, ApiPath, Client, Plaintext};
use wiremock::matchers::{header, header_exists, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn authenticated(server: &MockServer) -> AuthenticatedClient {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = Address::parse(&server.uri(), Plaintext::LoopbackOnly).unwrap();
    let value = |text: &str| Credential::Value(text.into());
    let method = AppRole::new(value("role"), value("secret"));
    let auth = Auth::new(Client::builder(address).build().unwrap(), method);
    let client = AuthenticatedClient::build(reqwest::Client::builder(), auth).unwrap();
    client.namespace(Some(&ApiPath::from_static("team-a")))
}

async fn server(look_up: u16) -> MockServer {
    let server = MockServer::start().await;
    for token in ["hvs.one", "hvs.two"] {
        let auth = json!({ "auth": { "client_token": token, "lease_duration": 3600 } });
        let login = ResponseTemplate::new(200).set_body_json(auth);
        Mock::given(path("/v1/auth/approle/login"))
            .respond_with(login)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    let body = if look_up == 200 { json!({ "data": {} }) } else { json!({ "errors": ["bad"] }) };
    let response = ResponseTemplate::new(look_up).set_body_json(body);
    Mock::given(path("/v1/auth/token/lookup-self")).respond_with(response).mount(&server).await;
    Mock::given(path("/v1/kv/data/a"))
        .and(header("x-vault-token", "hvs.one"))
        .and(header("x-vault-namespace", "team-a"))
        .respond_with(ResponseTemplate::new(403).set_body_string("body"))
        .mount(&server)
        .await;
    Mock::given(path("/v1/kv/data/a"))
        .and(header("x-vault-token", "hvs.two"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    server
}

async fn get(server: &MockServer) -> reqwest::Response {
    let vault = authenticated(server);
    let url = format!("{}/v1/kv/data/a", server.uri());
    vault.execute(vault.client().get(url).build().unwrap()).await.unwrap()
}

#[tokio::test]
async fn request_with_a_dead_token_is_sent_again_with_a_new_one() {
    let server = server(403).await;
    assert_eq!(get(&server).await.status(), 200);
}

#[tokio::test]
async fn body_of_a_403_is_left_to_the_caller() {
    let server = server(200).await;
    let response = get(&server).await;
    assert_eq!(response.status(), 403);
    assert_eq!(response.text().await.unwrap(), "body");
}

#[tokio::test]
async fn redirect_is_not_followed_with_the_token() {
    let (other_host, server) = (MockServer::start().await, MockServer::start().await);
    let login = json!({ "auth": { "client_token": "hvs.one", "lease_duration": 3600 } });
    let login = ResponseTemplate::new(200).set_body_json(login);
    Mock::given(path("/v1/auth/approle/login")).respond_with(login).mount(&server).await;
    let redirect = ResponseTemplate::new(307).insert_header("location", other_host.uri());
    Mock::given(path("/v1/kv/data/a")).respond_with(redirect).mount(&server).await;
    let with_token =
        Mock::given(header_exists("x-vault-token")).respond_with(ResponseTemplate::new(200));
    with_token.expect(0).mount(&other_host).await;
    assert_eq!(get(&server).await.status(), 307);
}

#[tokio::test]
async fn error_contains_neither_the_token_nor_the_query() {
    let server = server(200).await;
    let vault = authenticated(&server);
    let request = vault.client().get("http://127.0.0.1:1/v1/kv?secret=PLANTED").build().unwrap();
    let error = vault.execute(request).await.unwrap_err();
    let text = format!("{error} {error:?} {vault:?}");
    assert!(!text.contains("PLANTED") && !text.contains("hvs."), "{text}");
}
