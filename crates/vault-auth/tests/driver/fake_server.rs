//! A login method in memory, whose responses a test chooses.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use vault_auth::{Auth, Login, LoginClient, Method};
use vault_http::{Address, Client, Error, ErrorKind, Plaintext, Token};

/// The result of a login.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Response {
    /// Returns a token with this lease after this delay.
    Token {
        lease: Duration,
        after: Duration,
    },
    Fails(ErrorKind),
    Hangs,
    Panics,
}

#[derive(Debug)]
pub(crate) struct FakeServer {
    pub(crate) response: Mutex<Response>,
    logins: AtomicUsize,
    /// When the server expires the token of each login.
    expiries: Mutex<Vec<Instant>>,
}

/// The login method.
#[derive(Debug)]
struct FakeMethod(Arc<FakeServer>);

pub(crate) fn seconds(lease: u64) -> Response {
    Response::Token { lease: Duration::from_secs(lease), after: Duration::from_millis(20) }
}

/// Returns a source that logs in to a fake server. No server listens at its address.
pub(crate) fn auth(response: Response) -> (Auth, Arc<FakeServer>) {
    auth_named("default", response)
}

/// Like [`auth`], with a name.
pub(crate) fn auth_named(name: &'static str, response: Response) -> (Auth, Arc<FakeServer>) {
    let (logins, expiries) = (AtomicUsize::new(0), Mutex::default());
    let server = Arc::new(FakeServer { response: Mutex::new(response), logins, expiries });
    let auth = Auth::named(name, client(), FakeMethod(Arc::clone(&server)));
    (auth, server)
}

pub(crate) fn client() -> Client {
    let address = Address::parse("http://127.0.0.1:1", Plaintext::LoopbackOnly).unwrap();
    Client::builder(address).build().unwrap()
}

impl FakeServer {
    pub(crate) fn logins(&self) -> usize {
        self.logins.load(SeqCst)
    }

    pub(crate) fn respond_with(&self, response: Response) {
        *self.response.lock().unwrap() = response;
    }

    /// Returns whether the server accepts this token now.
    pub(crate) fn accepts(&self, token: &Token) -> bool {
        let number: usize = token.expose().strip_prefix("token-").unwrap().parse().unwrap();
        Instant::now() < self.expiries.lock().unwrap()[number]
    }
}

#[async_trait]
impl Method for FakeMethod {
    async fn login(&self, _: &LoginClient<'_>) -> Result<Login, Error> {
        self.0.logins.fetch_add(1, SeqCst);
        let response = *self.0.response.lock().unwrap();
        match response {
            Response::Token { lease, after } => {
                let number = {
                    let mut expiries = self.0.expiries.lock().unwrap();
                    expiries.push(Instant::now() + lease);
                    expiries.len() - 1
                };
                sleep(after).await;
                let token = Token::new(&format!("token-{number}").into()).unwrap();
                let mut login = Login::new(token);
                login.ttl = Some(lease);
                Ok(login)
            }
            Response::Fails(kind) => Err(Error::new(kind, "log in")),
            Response::Hangs => std::future::pending().await,
            Response::Panics => panic!("the method panicked"),
        }
    }
}
