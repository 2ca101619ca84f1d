//! The token source: one login at a time, shared by all that wait, used for its lease.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, info};
use vault_http::{
    ApiPath, Client, Deadline, Denial, Error, Kind, Lease, Request, TokenSource, Verdict,
};

use crate::lease;
use crate::method::{Link, Method};
use crate::state::{Next, Outcome, Pending, Shared};

/// How long a login may take, however long its first caller waits.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A refused credential is not tried again before this: userpass and AppRole lock out who does.
const REFUSED_FOR: Duration = Duration::from_secs(300);

/// A token that was found alive is not looked up again before this.
const CONFIRMED_FOR: Duration = Duration::from_secs(5);

const LOOKUP_SELF: ApiPath = ApiPath::from_static("auth/token/lookup-self");

/// A login that is made when a token is first needed, used for its lease, and made again when it
/// ends or a look-up finds it dead. Cheap to clone; all clones share the token.
///
/// Dropping the last clone ends a login that is under way.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    client: Client,
    namespace: Option<ApiPath>,
    method: Arc<dyn Method>,
    shared: Arc<Shared>,
    /// Held while a look-up is out, so that all denials of one generation share it.
    settling: tokio::sync::Mutex<()>,
    /// The logins under way; dropped, and so ended, with the last clone.
    tasks: Mutex<JoinSet<()>>,
}

impl Auth {
    /// A source of tokens that logs in by `method` when first asked. Nothing is sent yet.
    pub fn new(client: Client, method: impl Method) -> Self {
        Self::in_namespace(client, None, method)
    }

    /// The same with the login, and the look-ups of its token, in a namespace.
    pub fn in_namespace(client: Client, namespace: Option<ApiPath>, method: impl Method) -> Self {
        let method = Arc::new(method);
        let (shared, settling, tasks) = <_>::default();
        Self(Arc::new(Inner { client, namespace, method, shared, settling, tasks }))
    }

    /// Lets go of the token, so that the next one who asks logs in, with the credentials as they are
    /// then: for who has replaced them. Nothing is sent yet; requests under way keep the old token.
    pub fn reload(&self) {
        self.0.shared.reload();
    }

    /// Whether the token of `denial` is alive: asked of the server at most once in five seconds.
    async fn is_alive(&self, denial: Denial) -> Result<bool, Error> {
        let _one_at_a_time = self.0.settling.lock().await;
        let Some(lease) = self.0.shared.current(denial.generation) else {
            return Ok(false);
        };
        if self.0.shared.confirmed_within(denial.generation, CONFIRMED_FOR) {
            return Ok(true);
        }
        let request = Request::get(LOOKUP_SELF).namespace(self.0.namespace.as_ref());
        let deadline = Deadline::after(LOGIN_TIMEOUT);
        let alive = match self.0.client.send(&request, Some(&lease.token), deadline).await {
            Ok(_) => true,
            Err(error) => match error.kind() {
                // The token may not look itself up: its policies are at work, so it lives.
                Kind::Denied => true,
                Kind::TokenInvalid | Kind::Forbidden => false,
                _ => return Err(error),
            },
        };
        debug!(alive, "looked up the token after a 403");
        if alive {
            self.0.shared.confirm(denial.generation);
        }
        Ok(alive)
    }

    /// Starts a login as a task of its own: a caller that gives up does not end it.
    fn begin(&self, done: watch::Sender<Option<Outcome>>) {
        let Inner { client, namespace, method, shared, .. } = &*self.0;
        let (client, namespace) = (client.clone(), namespace.clone());
        let (method, shared) = (Arc::clone(method), Arc::clone(shared));
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let outcome = log_in(&client, namespace.as_ref(), &*method, &shared).await;
            // Nobody waits any more: the outcome is in the state all the same.
            let _ = done.send(Some(outcome));
        });
    }
}

async fn log_in(
    client: &Client,
    namespace: Option<&ApiPath>,
    method: &dyn Method,
    shared: &Shared,
) -> Outcome {
    let deadline = Deadline::after(LOGIN_TIMEOUT);
    let asked = Instant::now();
    let link = Link { client, namespace, deadline };
    let outcome = deadline.bound(method.login(&link)).await.unwrap_or_else(|| {
        Err(Error::new(Kind::Timeout, "log in").with_detail("the login took too long"))
    });
    match outcome {
        Ok(login) => {
            debug!(lease = ?login.lease, "logged in");
            shared.logged_in(login.token, lease::end(asked, login.lease))
        }
        Err(error) => {
            info!(%error, "login failed");
            // A credential that could not even be read was refused by nobody.
            let refused = error.kind() == Kind::LoginRefused && error.status().is_some();
            let retry = refused.then_some(REFUSED_FOR);
            shared.login_failed(error, retry)
        }
    }
}

#[async_trait]
impl TokenSource for Auth {
    async fn token(&self) -> Result<Lease, Error> {
        match self.0.shared.next() {
            Next::Ready(outcome) => outcome,
            Next::Wait(pending) => outcome_of(pending).await,
            Next::Begin(done, pending) => {
                self.begin(done);
                outcome_of(pending).await
            }
        }
    }

    async fn denied(&self, denial: Denial) -> Result<Verdict, Error> {
        if self.0.shared.current(denial.generation).is_none() {
            return Ok(Verdict::Replaced);
        }
        if !denial.token_invalid && self.is_alive(denial).await? {
            return Ok(Verdict::PathDenied);
        }
        self.0.shared.discard(denial.generation);
        self.token().await.map(|_| Verdict::Replaced)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("method", &self.0.method).finish_non_exhaustive()
    }
}

async fn outcome_of(mut pending: Pending) -> Outcome {
    let ended = || Error::new(Kind::Interrupted, "log in").with_detail("the login was ended");
    match pending.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(ended())),
        Err(_) => Err(ended()),
    }
}
