//! One exchange against scripted answers: what is sent, and what an answer means.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use testkit::leaks;
use vault_http::{
    Address, ApiPath, BuildErrorKind, Client, Deadline, ErrorKind, Executed, MAX_BODY_BYTES,
    Plaintext, Request, Token,
};
use wiremock::matchers::{any, body_json, header, method, path, query_param};
use wiremock::{Match, Mock, MockServer, ResponseTemplate};

fn client(server: &MockServer) -> Client {
    let address = Address::parse(&server.uri(), Plaintext::LoopbackOnly).unwrap();
    Client::builder(address).build().unwrap()
}

fn token() -> Token {
    Token::new(&SecretString::from("hvs.PLANTED-x")).unwrap()
}

fn request() -> Request {
    Request::get(ApiPath::parse("secret/data/a b").unwrap())
}

async fn answer(template: ResponseTemplate) -> Result<u16, vault_http::Error> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    let client = client(&server);
    client.send(&request(), Some(&token()), client.deadline()).await.map(|a| a.status())
}

/// No request header tells of compression, cookies or a proxy.
struct Plain;

impl Match for Plain {
    fn matches(&self, request: &wiremock::Request) -> bool {
        ["accept-encoding", "cookie", "proxy-authorization"]
            .iter()
            .all(|name| !request.headers.contains_key(*name))
    }
}

#[tokio::test]
async fn a_request_carries_token_namespace_and_the_request_mark() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/secret/data/a%20b"))
        .and(header("x-vault-token", "hvs.PLANTED-x"))
        .and(header("x-vault-request", "true"))
        .and(header("x-vault-namespace", "team a"))
        .and(header("content-type", "application/json"))
        .and(body_json(serde_json::json!({"n": 1})))
        .and(query_param("version", "3"))
        .and(Plain)
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let namespace = ApiPath::parse("team a").unwrap();
    let path = ApiPath::parse("secret/data/a b").unwrap();
    let request = Request::post(path, &serde_json::json!({"n": 1})).unwrap();
    let request = request.query("version", "3").namespace(Some(&namespace));
    let client = client(&server);
    client.send(&request, Some(&token()), client.deadline()).await.unwrap();
}

#[tokio::test]
async fn data_is_typed_and_a_404_with_data_is_an_answer() {
    #[derive(Deserialize)]
    struct Data {
        n: u64,
    }
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let body = serde_json::json!({"data": {"n": 7}, "warnings": null});
    let template = ResponseTemplate::new(404).set_body_json(body);
    Mock::given(any()).respond_with(template).mount(&server).await;
    let client = client(&server);
    let request = request().accept_not_found_data();
    let answer = client.send(&request, None, client.deadline()).await.unwrap();
    assert_eq!((answer.status(), answer.data::<Data>().unwrap().n), (404, 7));
    let wrong = answer.data::<Vec<u8>>().unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn answers_that_are_none() {
    let watch = leaks::watch();
    let json = |body: &str| ResponseTemplate::new(200).set_body_raw(body, "application/json");
    let check = async |template, expected| {
        let error = answer(template).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
        watch.error(&error);
    };
    check(json("{\"data\":\"PLANTED-x\""), ErrorKind::Malformed).await;
    check(json("<html>PLANTED-x</html>"), ErrorKind::Malformed).await;
    check(json(""), ErrorKind::Malformed).await;
    check(json("{\"errors\":[\"PLANTED-x\"]}"), ErrorKind::Malformed).await;
    check(json("{}").insert_header("content-encoding", "gzip"), ErrorKind::Malformed).await;
    check(json(&" ".repeat(MAX_BODY_BYTES + 1)), ErrorKind::Malformed).await;
    let redirect =
        ResponseTemplate::new(307).insert_header("location", "http://elsewhere/PLANTED-x");
    check(redirect, ErrorKind::Redirected).await;
}

#[tokio::test]
async fn a_redirect_to_a_stranger_is_not_followed() {
    let _watch = leaks::watch();
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for (path, expected) in [("a%20b", ErrorKind::NoLeader), ("b", ErrorKind::Redirected)] {
        let location = format!("{}/v1/secret/data/{path}", elsewhere.uri());
        let redirect = ResponseTemplate::new(307).insert_header("location", location);
        assert_eq!(answer(redirect).await.unwrap_err().kind(), expected);
    }
}

#[tokio::test]
async fn a_rate_limit_tells_how_long_to_wait() {
    let _watch = leaks::watch();
    let body = serde_json::json!({"errors": ["rate limit quota exceeded"]});
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "7").set_body_json(body);
    let error = answer(limited).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.executed(), Executed::No);
}

#[tokio::test]
async fn request_marked_once_is_not_retried() {
    let _watch = leaks::watch();
    let sealed = serde_json::json!({ "errors": ["Vault is sealed"] });
    for (request, retried) in [(request(), true), (request().without_retries(), false)] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(503).set_body_json(&sealed);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let deadline = Deadline::after(Duration::from_millis(500));
        let error = client(&server).send(&request, None, deadline).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sealed);
        assert_eq!(server.received_requests().await.unwrap().len() > 1, retried);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left_at_the_deadline() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let client = client(&server);
    let deadline = Deadline::after(Duration::from_millis(50));
    let error = client.send(&request(), None, deadline).await.unwrap_err();
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Timeout, Executed::Maybe));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let _watch = leaks::watch();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let address = Address::parse(&address, Plaintext::LoopbackOnly).unwrap();
    let client = Client::builder(address).build().unwrap();
    let error = client.send(&request(), None, client.deadline()).await.unwrap_err();
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Unreachable, Executed::No));
}

#[tokio::test]
async fn tls_to_a_plain_port_says_so() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let address = server.uri().replace("http:", "https:");
    let client = Client::builder(Address::parse(&address, Plaintext::default()).unwrap());
    let client = client.build().unwrap();
    let error = client.send(&request(), None, client.deadline()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert_eq!(error.detail(), "the server does not speak TLS on this port");
}

#[test]
fn a_builder_reports_all_that_is_wrong() {
    let address = Address::parse("https://vault:8200", Plaintext::LoopbackOnly).unwrap();
    let builder = Client::builder(address).deadline(Duration::ZERO).ca_pem("x").server_name("a b");
    let problems = builder.build().unwrap_err().problems().to_vec();
    assert!(matches!(
        problems.as_slice(),
        [BuildErrorKind::ServerName(_), BuildErrorKind::Trust(_), BuildErrorKind::Deadline]
    ));
}
