//! A scripted server, and token sources that use it.

use secrecy::SecretString;
use serde_json::json;
use vault_auth::{AppRole, Auth, Credential};
use vault_http::{Address, Client, Plaintext};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) fn client(server: &MockServer) -> Client {
    let address = Address::parse(&server.uri(), Plaintext::LoopbackOnly).unwrap();
    Client::builder(address).build().unwrap()
}

pub(crate) fn value(text: &str) -> Credential {
    Credential::Value(SecretString::from(text))
}

pub(crate) fn approle(server: &MockServer) -> Auth {
    Auth::new(client(server), AppRole::new(value(" role \n"), value("PLANTED-x")))
}

pub(crate) fn login_with(auth: serde_json::Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "auth": auth }))
}

pub(crate) fn token(text: &str, lease: i64) -> ResponseTemplate {
    login_with(json!({ "client_token": text, "lease_duration": lease, "renewable": true }))
}

pub(crate) async fn server(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/v1/auth/approle/login")).respond_with(response).mount(&server).await;
    server
}

pub(crate) async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}
