//! The requests that a token's life wants sent, each a task of its own with its own deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info};
use vault_http::{ApiPath, Client, Deadline, Error, ErrorKind, Request, Token};

use crate::credential::watch::{FileTask, Fingerprints, fingerprints};
use crate::machine::timing::REQUEST_TIMEOUT;
use crate::machine::{Action, Event};
use crate::method::{LoginClient, Method};
use crate::metrics::Reporter;
use crate::token_self::TokenSelf;

/// How long the question for the server's health may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const HEALTH: ApiPath = ApiPath::from_static("sys/health");

/// Whom to ask, and how to log in.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) client: Client,
    pub(crate) namespace: Option<ApiPath>,
    pub(crate) method: Arc<dyn Method>,
    pub(crate) fingerprinting: FileTask<Fingerprints>,
    pub(crate) reporter: Reporter,
}

/// What a task came to.
#[derive(Debug)]
pub(crate) enum Completion {
    /// A login, with the files as they were before it; `None` if their file system hangs.
    Login {
        fingerprints: Option<Fingerprints>,
        event: Event,
    },
    Event(Event),
    /// The files as they are now; `None` if their file system hangs.
    Files(Option<Fingerprints>),
    /// The method's own code panicked, in a login or in naming its files.
    Panicked(Event),
    Nothing,
}

impl Completion {
    pub(crate) fn panicked() -> Self {
        let error = Error::new(ErrorKind::Interrupted, "log in");
        let error = error.with_detail("the login method panicked");
        Self::Panicked(Event::LoginFailed(error.into()))
    }
}

impl Requests {
    pub(crate) async fn run(&self, action: Action) -> Completion {
        let deadline = Deadline::after(REQUEST_TIMEOUT);
        let asked = Instant::now();
        match action {
            Action::LogIn => {
                let stamps = self.fingerprints().await;
                let event = self.log_in(deadline, asked).await;
                Completion::Login { fingerprints: stamps, event }
            }
            Action::Probe => {
                Completion::Event(Event::Probed { can_log_in: self.can_log_in().await })
            }
            Action::Renew { issued: lease, increment, timeout: within } => {
                let (generation, deadline) = (lease.generation, deadline.within(within));
                let renewed = self.token_self(deadline).renew(&lease.token, increment).await;
                Completion::Event(match renewed {
                    Ok(renewal) => Event::Renewed { generation, renewal, sent_at: asked },
                    Err((why, error)) => {
                        info!(%error, ?why, "a token was not renewed");
                        Event::RenewalFailed { generation, failure: why }
                    }
                })
            }
            Action::LookUp(lease) => {
                let seen = self.token_self(deadline).liveness(&lease.token).await;
                Completion::Event(Event::LookedUp { generation: lease.generation, liveness: seen })
            }
            Action::Revoke(token) => {
                self.revoke(&token, deadline).await;
                Completion::Nothing
            }
            // The driver settles what it is told.
            Action::ResolveDenial { .. } => Completion::Nothing,
        }
    }

    async fn log_in(&self, deadline: Deadline, asked: Instant) -> Event {
        let Self { client, namespace, method, .. } = self;
        let link = LoginClient { client, namespace: namespace.as_ref(), deadline };
        let outcome = deadline.bound(method.login(&link)).await.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Timeout, "log in").with_detail("the login took too long"))
        });
        match outcome {
            Ok(login) => Event::LoggedIn { login, sent_at: asked },
            Err(error) => {
                info!(%error, "a login failed");
                Event::LoginFailed(error.into())
            }
        }
    }

    /// Returns whether a node answers that may log in: an active one, or a standby that forwards. What
    /// another 4xx means, only a login can find out.
    async fn can_log_in(&self) -> bool {
        let request =
            Request::get(HEALTH).query("standbyok", "true").query("perfstandbyok", "true");
        let deadline = Deadline::after(PROBE_TIMEOUT);
        match deadline.bound(self.client.send(&request.without_retries(), None, deadline)).await {
            Some(Ok(_)) => true,
            Some(Err(error)) => error.status().is_some_and(|status| (400..500).contains(&status)),
            None => false,
        }
    }

    /// Ends a token of ours. One that can't be revoked ends by itself.
    pub(crate) async fn revoke(&self, token: &Token, deadline: Deadline) {
        let outcome = self.token_self(deadline).revoke(token).await;
        self.reporter.revoked(outcome.is_ok());
        if let Err(error) = outcome {
            debug!(%error, "a token was not revoked");
        }
    }

    /// The fingerprints of the credential's files; `None` if their file system hangs.
    pub(crate) async fn fingerprints(&self) -> Option<Fingerprints> {
        let files = self.method.files();
        if files.is_empty() {
            return Some(Fingerprints::new());
        }
        self.fingerprinting.run(move || fingerprints(&files)).await
    }

    fn token_self(&self, deadline: Deadline) -> TokenSelf<'_> {
        TokenSelf { client: &self.client, namespace: self.namespace.as_ref(), deadline }
    }
}
