//! A login method in memory, which a test tells what to answer.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use vault_auth::{Auth, Login, LoginClient, Method};
use vault_http::{Address, Client, Error, ErrorKind, Plaintext, Token};

/// What a login does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Response {
    /// Gives a token that lives so long, after that time.
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
    /// When the token of each login ends, by the server's count.
    ends: Mutex<Vec<Instant>>,
}

/// The method: it shares what the test looks at.
#[derive(Debug)]
struct FakeMethod(Arc<FakeServer>);

pub(crate) fn seconds(lease: u64) -> Response {
    Response::Token { lease: Duration::from_secs(lease), after: Duration::from_millis(20) }
}

/// A source that logs in by it. Nobody listens at its address.
pub(crate) fn auth(answer: Response) -> (Auth, Arc<FakeServer>) {
    auth_named("default", answer)
}

/// The same with a name.
pub(crate) fn auth_named(name: &'static str, answer: Response) -> (Auth, Arc<FakeServer>) {
    let (logins, ends) = (AtomicUsize::new(0), Mutex::default());
    let memory = Arc::new(FakeServer { response: Mutex::new(answer), logins, ends });
    let auth = Auth::builder(client(), FakeMethod(Arc::clone(&memory))).name(name).build();
    (auth, memory)
}

pub(crate) fn client() -> Client {
    let address = Address::parse("http://127.0.0.1:1", Plaintext::LoopbackOnly).unwrap();
    Client::builder(address).build().unwrap()
}

impl FakeServer {
    pub(crate) fn logins(&self) -> usize {
        self.logins.load(SeqCst)
    }

    pub(crate) fn respond_with(&self, answer: Response) {
        *self.response.lock().unwrap() = answer;
    }

    /// Whether the server would take this token now.
    pub(crate) fn accepts(&self, token: &Token) -> bool {
        let number: usize = token.expose().strip_prefix("token-").unwrap().parse().unwrap();
        Instant::now() < self.ends.lock().unwrap()[number]
    }
}

#[async_trait]
impl Method for FakeMethod {
    async fn login(&self, _: &LoginClient<'_>) -> Result<Login, Error> {
        self.0.logins.fetch_add(1, SeqCst);
        let answer = *self.0.response.lock().unwrap();
        match answer {
            Response::Token { lease, after } => {
                let number = {
                    let mut ends = self.0.ends.lock().unwrap();
                    ends.push(Instant::now() + lease);
                    ends.len() - 1
                };
                sleep(after).await;
                let token = Token::new(&format!("token-{number}").into()).unwrap();
                let mut login = Login::new(token);
                login.ttl = Some(lease);
                Ok(login)
            }
            Response::Fails(kind) => Err(Error::new(kind, "log in")),
            Response::Hangs => std::future::pending().await,
            Response::Panics => panic!("a method of somebody else's"),
        }
    }
}
