//! Requests and responses of a `Client` against a scripted HTTP server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use testkit::leaks;
use vault_http::{
    Address, ApiPath, BuildErrorKind, Client, Deadline, ErrorKind, Executed, MAX_BODY_BYTES,
    Method, Plaintext, Request, Token,
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

/// Sends a request to a server that responds with `template`, and returns the status.
async fn send_to(template: ResponseTemplate) -> Result<u16, vault_http::Error> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    let client = client(&server);
    client
        .send(&request(), Some(&token()), client.deadline())
        .await
        .map(|response| response.status())
}

/// Matches requests without headers for compression, cookies or proxies.
struct NoExtraHeaders;

impl Match for NoExtraHeaders {
    fn matches(&self, request: &wiremock::Request) -> bool {
        ["accept-encoding", "cookie", "proxy-authorization"]
            .iter()
            .all(|name| !request.headers.contains_key(*name))
    }
}

#[tokio::test]
async fn request_carries_token_namespace_and_vault_request_header() {
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
        .and(NoExtraHeaders)
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
async fn namespace_of_the_client_is_that_of_requests_that_name_none() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    let body = serde_json::json!({ "errors": ["namespace not found"] });
    let missing = ResponseTemplate::new(404).set_body_json(body);
    Mock::given(header("x-vault-namespace", "team-a")).respond_with(missing).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let address = server.uri().parse().unwrap();
    let client = Client::builder(address).namespace(ApiPath::from_static("team-a"));
    let client = client.build().unwrap();
    let send = async |request: Request| client.send(&request, None, client.deadline()).await;
    let error = send(request()).await.unwrap_err();
    assert!(error.to_string().contains("in namespace team-a: namespace not found"), "{error}");
    let other = ApiPath::from_static("team-b");
    for outside in
        [request().namespace(Some(&other)), request().in_root_namespace(), Request::health()]
    {
        assert_eq!(send(outside).await.unwrap().status(), 204);
    }
}

#[tokio::test]
async fn not_found_with_data_is_a_response_if_accepted() {
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
    let response = client.send(&request, None, client.deadline()).await.unwrap();
    assert_eq!((response.status(), response.data::<Data>().unwrap().n), (404, 7));
    let error = response.data::<Vec<u8>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn malformed_response_and_foreign_redirect_are_errors() {
    let watch = leaks::watch();
    let json = |body: &str| ResponseTemplate::new(200).set_body_raw(body, "application/json");
    let check = async |template, expected| {
        let error = send_to(template).await.unwrap_err();
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
async fn messages_of_the_server_are_kept_out_of_the_text_of_the_error() {
    let _watch = leaks::watch();
    let body = serde_json::json!({"errors": ["unknown role: PLANTED-x", "second"]});
    let rejected = ResponseTemplate::new(400).set_body_json(body);
    let error = send_to(rejected).await.unwrap_err().into_kind(ErrorKind::LoginRefused);
    assert_eq!(error.vault_messages(), ["unknown role: PLANTED-x", "second"]);
    let text = format!("{error} {error:?} {:#?}", std::error::Error::source(&error));
    assert!(!text.contains("PLANTED") && !text.contains("second"), "{text}");
    let gateway = ResponseTemplate::new(502).set_body_string("PLANTED-x");
    assert!(send_to(gateway).await.unwrap_err().vault_messages().is_empty());
}

#[tokio::test]
async fn redirect_to_another_host_is_not_followed() {
    let _watch = leaks::watch();
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for (path, expected) in [("a%20b", ErrorKind::NoLeader), ("b", ErrorKind::Redirected)] {
        let location = format!("{}/v1/secret/data/{path}", elsewhere.uri());
        let redirect = ResponseTemplate::new(307).insert_header("location", location);
        assert_eq!(send_to(redirect).await.unwrap_err().kind(), expected);
    }
}

#[tokio::test]
async fn request_of_any_method_carries_its_headers_and_body() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(header("x-vault-index", "v1:a"))
        .and(header("x-vault-wrap-ttl", "90"))
        .and(header("content-type", "application/json"))
        .and(body_json(serde_json::json!({"n": 1})))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("LIST")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let (client, path) = (client(&server), ApiPath::from_static("a"));
    let send = async |request: Request| client.send(&request, None, client.deadline()).await;
    let request = Request::put(path.clone(), &serde_json::json!({"n": 1})).unwrap();
    let request = request.header("X-Vault-Index", "v1:a").unwrap();
    send(request.wrap_ttl(Duration::from_secs(90))).await.unwrap();
    let list = Request::new(Method::from_bytes(b"LIST").unwrap(), path.clone());
    assert_eq!(list.to_string(), "LIST a");
    send(list).await.unwrap();
    for forbidden in [Method::CONNECT, Method::TRACE] {
        let error = send(Request::new(forbidden, path.clone())).await.unwrap_err();
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Rejected, Executed::No));
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn content_other_than_a_json_object_is_a_response_if_accepted() {
    let _watch = leaks::watch();
    let check = async |body: &str, content_type: &str, request: Request| {
        let server = MockServer::start().await;
        let template = ResponseTemplate::new(200).set_body_raw(body, content_type);
        Mock::given(any()).respond_with(template).mount(&server).await;
        let client = client(&server);
        client.send(&request, None, client.deadline()).await
    };
    let raw = || request().accept_any_content();
    let pem = check("-----BEGIN", "application/x-pem-file; a=b", raw()).await.unwrap();
    assert_eq!(pem.content_type(), Some("application/x-pem-file; a=b"));
    assert_eq!(pem.bytes(), b"-----BEGIN");
    assert_eq!(pem.into_bytes().as_slice(), b"-----BEGIN");
    // Text that looks like JSON has not been validated as such.
    let text = check("{\"a\":1,\"a\":2}", "text/plain", raw()).await.unwrap();
    assert_eq!(text.json::<serde_json::Value>().unwrap_err().kind(), ErrorKind::Malformed);
    let array = check("[1]", "application/json", raw()).await.unwrap();
    assert_eq!(array.json::<Vec<u8>>().unwrap(), [1]);
    for (body, content_type, request) in [
        ("-----BEGIN", "application/x-pem-file", request()),
        ("[1]", "application/json", request()),
        ("{", "application/json", raw()),
        ("{\"errors\":[\"x\"]}", "application/json", raw()),
    ] {
        let error = check(body, content_type, request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
    }
}

#[tokio::test]
async fn only_idempotent_requests_are_sent_again_after_a_server_error() {
    let _watch = leaks::watch();
    let path = || ApiPath::from_static("a");
    let of = |method: &str| Request::new(Method::from_bytes(method.as_bytes()).unwrap(), path());
    for (request, retried) in [
        (of("GET"), true),
        (of("LIST"), true),
        (of("HEAD"), true),
        (of("GET").not_idempotent(), false),
        (of("POST").idempotent(), true),
        (of("POST"), false),
        (of("PUT"), false),
        (of("PATCH"), false),
        (of("DELETE"), false),
        (of("ANY"), false),
        (Request::unwrap_token(), false),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(500)).mount(&server).await;
        let deadline = Deadline::after(Duration::from_millis(400));
        let error = client(&server).send(&request, None, deadline).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
        let sent = server.received_requests().await.unwrap().len();
        assert_eq!(sent > 1, retried, "{request}: {sent}");
    }
}

#[tokio::test]
async fn rate_limit_error_carries_retry_after() {
    let _watch = leaks::watch();
    let body = serde_json::json!({"errors": ["rate limit quota exceeded"]});
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "7").set_body_json(body);
    let error = send_to(limited).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.executed(), Executed::No);
}

#[tokio::test]
async fn request_without_retries_is_sent_once() {
    let _watch = leaks::watch();
    let sealed = serde_json::json!({ "errors": ["Vault is sealed"] });
    for (request, retried) in [(request(), true), (request().without_retries(), false)] {
        let server = MockServer::start().await;
        let template = ResponseTemplate::new(503).set_body_json(&sealed);
        Mock::given(any()).respond_with(template).mount(&server).await;
        let deadline = Deadline::after(Duration::from_millis(500));
        let error = client(&server).send(&request, None, deadline).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sealed);
        assert_eq!(server.received_requests().await.unwrap().len() > 1, retried);
    }
}

#[tokio::test]
async fn unresponsive_server_times_out_at_the_deadline() {
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
async fn closed_port_is_unreachable() {
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
async fn tls_to_a_plaintext_port_reports_the_cause() {
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
fn builder_reports_all_problems_at_once() {
    let address = Address::parse("https://vault:8200", Plaintext::LoopbackOnly).unwrap();
    let builder = Client::builder(address).deadline(Duration::ZERO).ca_pem("x").server_name("a b");
    let problems = builder.build().unwrap_err().problems().to_vec();
    assert!(matches!(
        problems.as_slice(),
        [BuildErrorKind::ServerName(_), BuildErrorKind::Trust(_), BuildErrorKind::Deadline]
    ));
}
