//! The requests that a token's life wants sent, each a task of its own with its own deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info};
use vault_http::{ApiPath, Client, Deadline, Error, ErrorKind, Request, Token};

use crate::credential::watch::{FileTask, Stamps, stamps};
use crate::machine::timing::TIMEOUT;
use crate::machine::{Action, Event};
use crate::method::{LoginClient, Method};
use crate::metrics::Reporter;
use crate::token_self::Own;

/// How long the question for the server's health may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const HEALTH: ApiPath = ApiPath::from_static("sys/health");

/// Whom to ask, and how to log in.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) client: Client,
    pub(crate) namespace: Option<ApiPath>,
    pub(crate) method: Arc<dyn Method>,
    pub(crate) looking: FileTask<Stamps>,
    pub(crate) reporter: Reporter,
}

/// What a task came to.
#[derive(Debug)]
pub(crate) enum Done {
    /// A login, with the files as they were before it; `None` if their file system hangs.
    Login {
        stamps: Option<Stamps>,
        event: Event,
    },
    Event(Event),
    /// The files as they are now; `None` if their file system hangs.
    Files(Option<Stamps>),
    /// The method's own code panicked, in a login or in naming its files.
    Panicked(Event),
    Nothing,
}

impl Done {
    pub(crate) fn panicked() -> Self {
        let error = Error::new(ErrorKind::Interrupted, "log in");
        let error = error.with_detail("the login method panicked");
        Self::Panicked(Event::LoginFailed(error.into()))
    }
}

impl Work {
    pub(crate) async fn run(&self, action: Action) -> Done {
        let deadline = Deadline::after(TIMEOUT);
        let asked = Instant::now();
        match action {
            Action::LogIn => {
                let stamps = self.stamps().await;
                let event = self.log_in(deadline, asked).await;
                Done::Login { stamps, event }
            }
            Action::Probe => Done::Event(Event::Probed { reached: self.is_reached().await }),
            Action::Renew { lease, increment, within } => {
                let (generation, deadline) = (lease.generation, deadline.within(within));
                let renewed = self.own(deadline).renew(&lease.token, increment).await;
                Done::Event(match renewed {
                    Ok(renewal) => Event::Renewed { generation, renewal, asked },
                    Err((why, error)) => {
                        info!(%error, ?why, "a token was not renewed");
                        Event::Unrenewed { generation, why }
                    }
                })
            }
            Action::LookUp(lease) => {
                let seen = self.own(deadline).see(&lease.token).await;
                Done::Event(Event::LookedUp { generation: lease.generation, seen })
            }
            Action::Revoke(token) => {
                self.revoke(&token, deadline).await;
                Done::Nothing
            }
            // The driver settles what it is told.
            Action::Settle { .. } => Done::Nothing,
        }
    }

    async fn log_in(&self, deadline: Deadline, asked: Instant) -> Event {
        let Self { client, namespace, method, .. } = self;
        let link = LoginClient { client, namespace: namespace.as_ref(), deadline };
        let outcome = deadline.bound(method.login(&link)).await.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Timeout, "log in").with_detail("the login took too long"))
        });
        match outcome {
            Ok(login) => Event::LoggedIn { login, asked },
            Err(error) => {
                info!(%error, "a login failed");
                Event::LoginFailed(error.into())
            }
        }
    }

    /// Returns whether a node answers that may log in: an active one, or a standby that forwards. What
    /// another 4xx means, only a login can find out.
    async fn is_reached(&self) -> bool {
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
        let outcome = self.own(deadline).revoke(token).await;
        self.reporter.revoked(outcome.is_ok());
        if let Err(error) = outcome {
            debug!(%error, "a token was not revoked");
        }
    }

    /// The fingerprints of the credential's files; `None` if their file system hangs.
    pub(crate) async fn stamps(&self) -> Option<Stamps> {
        let files = self.method.files();
        if files.is_empty() {
            return Some(Stamps::new());
        }
        self.looking.run(move || stamps(&files)).await
    }

    fn own(&self, deadline: Deadline) -> Own<'_> {
        Own { client: &self.client, namespace: self.namespace.as_ref(), deadline }
    }
}
