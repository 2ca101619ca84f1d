//! A `Session` whose token is denied: it is replaced, and the request is retried once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use testkit::leaks;
use vault_http::{
    Address, ApiPath, Client, Deadline, Denial, DenialOutcome, Error, ErrorKind, Executed,
    FixedToken, Generation, IssuedToken, Plaintext, Request, Session, Token, TokenSource,
};
use wiremock::matchers::{any, header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A token source that returns `first`, and `second` once a denial has replaced it.
struct Tokens {
    outcome: Result<DenialOutcome, Error>,
    generation: Mutex<Generation>,
    denials: Mutex<Vec<Denial>>,
}

impl Tokens {
    fn new(outcome: Result<DenialOutcome, Error>) -> Arc<Self> {
        Arc::new(Self { outcome, generation: Mutex::default(), denials: Mutex::default() })
    }
}

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self) -> Result<IssuedToken, Error> {
        let generation = *self.generation.lock().unwrap();
        let text = if generation == Generation::default() { "first" } else { "second" };
        Ok(IssuedToken::new(Token::new(&SecretString::from(text)).unwrap(), generation))
    }

    async fn denied(&self, denial: Denial) -> Result<DenialOutcome, Error> {
        self.denials.lock().unwrap().push(denial);
        if matches!(self.outcome, Ok(DenialOutcome::Replaced)) {
            *self.generation.lock().unwrap() = denial.generation.next();
        }
        self.outcome.clone()
    }
}

/// A token source whose login never completes.
struct PendingLogin;

#[async_trait]
impl TokenSource for PendingLogin {
    async fn token(&self) -> Result<IssuedToken, Error> {
        std::future::pending().await
    }

    async fn denied(&self, _: Denial) -> Result<DenialOutcome, Error> {
        std::future::pending().await
    }
}

async fn server(first: ResponseTemplate, second: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    for (token, template) in [("first", first), ("second", second)] {
        Mock::given(header("x-vault-token", token)).respond_with(template).mount(&server).await;
    }
    server
}

fn errors(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(403).set_body_json(serde_json::json!({ "errors": [text] }))
}

fn ok() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(serde_json::json!({ "data": {} }))
}

async fn send(server: &MockServer, tokens: impl TokenSource + 'static) -> Result<u16, Error> {
    let address = Address::parse(&server.uri(), Plaintext::LoopbackOnly).unwrap();
    let session = Session::new(Client::builder(address).build().unwrap(), tokens);
    let request = Request::get(ApiPath::from_static("secret/data/a"));
    session
        .send(&request, Deadline::after(Duration::from_secs(5)))
        .await
        .map(|response| response.status())
}

#[tokio::test]
async fn request_is_retried_with_a_replaced_token() {
    let _watch = leaks::watch();
    let server = server(errors("1 error occurred: invalid token"), ok()).await;
    let tokens = Tokens::new(Ok(DenialOutcome::Replaced));
    assert_eq!(send(&server, Arc::clone(&tokens)).await.unwrap(), 200);
    let denials = tokens.denials.lock().unwrap().clone();
    assert_eq!(denials, [Denial::new(Generation::default(), true)]);
}

#[tokio::test]
async fn second_denial_is_returned() {
    let _watch = leaks::watch();
    let server = server(errors("permission denied"), errors("permission denied")).await;
    let error = send(&server, Tokens::new(Ok(DenialOutcome::Replaced))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn confirmed_denial_of_the_path_is_not_retried() {
    let _watch = leaks::watch();
    let server = server(errors("1 error occurred:\n\t* permission denied\n\n"), ok()).await;
    let error = send(&server, Tokens::new(Ok(DenialOutcome::PathDenied))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn denial_of_a_fixed_token_is_reported_as_the_server_sent_it() {
    let _watch = leaks::watch();
    for (text, expected) in [
        (
            "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n",
            ErrorKind::TokenInvalid,
        ),
        ("1 error occurred:\n\t* permission denied\n\n", ErrorKind::Denied),
        ("permission denied", ErrorKind::Forbidden),
    ] {
        let server = server(errors(text), ok()).await;
        let tokens = FixedToken::new(Token::new(&"first".into()).unwrap());
        let error = send(&server, tokens).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (expected, Some(403)), "{text}");
        assert!(error.to_string().starts_with("GET secret/data/a"), "{error}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn shared_and_boxed_sources_are_sources() {
    let _watch = leaks::watch();
    let server = server(errors("1 error occurred: invalid token"), ok()).await;
    let replaced = || Tokens::new(Ok(DenialOutcome::Replaced));
    let shared: Arc<dyn TokenSource> = replaced();
    let boxed: Box<dyn TokenSource> = Box::new(replaced());
    assert_eq!(send(&server, shared).await.unwrap(), 200);
    assert_eq!(send(&server, boxed).await.unwrap(), 200);
}

#[tokio::test]
async fn error_of_the_token_source_is_returned() {
    let _watch = leaks::watch();
    let server = server(errors("permission denied"), ok()).await;
    let lookup_failed = Error::new(ErrorKind::Unreachable, "look up the token");
    let error = send(&server, Tokens::new(Err(lookup_failed))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn pending_login_times_out_at_the_deadline_and_nothing_is_sent() {
    let _watch = leaks::watch();
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ok()).expect(0).mount(&server).await;
    let address = Address::parse(&server.uri(), Plaintext::LoopbackOnly).unwrap();
    let session = Session::new(Client::builder(address).build().unwrap(), PendingLogin);
    let request = Request::delete(ApiPath::from_static("secret/data/a"));
    let deadline = Deadline::after(Duration::from_millis(20));
    let error = session.send(&request, deadline).await.unwrap_err();
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Timeout, Executed::No));
}

#[tokio::test]
async fn redirected_write_that_is_denied_is_not_retried() {
    let _watch = leaks::watch();
    let leader = server(errors("1 error occurred: invalid token"), ok()).await;
    let standby = MockServer::start().await;
    let location = format!("{}/v1/secret/data/a", leader.uri());
    let redirect = ResponseTemplate::new(307).insert_header("location", location);
    Mock::given(path("/v1/secret/data/a")).respond_with(redirect).mount(&standby).await;
    let leader_status = serde_json::json!({ "leader_address": leader.uri() });
    let leader_status = ResponseTemplate::new(200).set_body_json(leader_status);
    Mock::given(path("/v1/sys/leader")).respond_with(leader_status).mount(&standby).await;
    let tokens = Tokens::new(Ok(DenialOutcome::Replaced));
    let address = Address::parse(&standby.uri(), Plaintext::LoopbackOnly).unwrap();
    let client = Client::builder(address).build().unwrap();
    let session = Session::new(client, Arc::clone(&tokens));
    let request = Request::delete(ApiPath::from_static("secret/data/a"));
    let error = session.send(&request, session.deadline()).await.unwrap_err();
    assert_eq!((error.kind(), error.executed()), (ErrorKind::TokenInvalid, Executed::Maybe));
    assert_eq!(leader.received_requests().await.unwrap().len(), 1);
    assert!(tokens.denials.lock().unwrap().is_empty());
}
