//! The requests that perform the machine's actions, each with its own deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vault_http::{ApiPath, Client, Deadline, Error, ErrorKind, Request, Token};

use crate::credential::watch::{FileTask, Fingerprints, fingerprints};
use crate::log::{debug, info};
use crate::machine::timing::REQUEST_TIMEOUT;
use crate::machine::{Action, Event};
use crate::method::{LoginClient, Method};
use crate::metrics::Reporter;
use crate::token_self::TokenSelf;

/// The timeout of a health probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const HEALTH: ApiPath = ApiPath::from_static("sys/health");

/// What requests about a token need.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) client: Client,
    pub(crate) namespace: Option<ApiPath>,
    pub(crate) method: Arc<dyn Method>,
    pub(crate) fingerprint_task: FileTask<Fingerprints>,
    pub(crate) reporter: Reporter,
}

/// The result of a task.
#[derive(Debug)]
pub(crate) enum Completion {
    /// A login has ended. `fingerprints` are those of the files just before it, or `None` if their
    /// file system hangs.
    Login { fingerprints: Option<Fingerprints>, event: Event },
    /// Another request has ended.
    Event(Event),
    /// The fingerprints of the files, or `None` if their file system hangs.
    Files(Option<Fingerprints>),
    /// The login method panicked, in a login or in `Method::files`.
    Panicked(Event),
    /// There is nothing to process.
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
    /// Performs an action of the machine.
    pub(crate) async fn perform(&self, action: Action) -> Completion {
        let deadline = Deadline::after(REQUEST_TIMEOUT);
        let sent_at = Instant::now();
        match action {
            Action::LogIn => {
                let fingerprints = self.fingerprints().await;
                let event = self.log_in(deadline, sent_at).await;
                Completion::Login { fingerprints, event }
            }
            Action::Probe => {
                Completion::Event(Event::Probed { can_log_in: self.can_log_in().await })
            }
            Action::Renew { issued, increment, timeout } => {
                let (generation, deadline) = (issued.generation, deadline.within(timeout));
                let renewed = self.token_self(deadline).renew(&issued.token, increment).await;
                Completion::Event(match renewed {
                    Ok(renewal) => Event::Renewed { generation, renewal, sent_at },
                    Err((failure, error)) => {
                        info!(%error, ?failure, "token renewal failed");
                        Event::RenewalFailed { generation, failure }
                    }
                })
            }
            Action::LookUp(issued) => {
                let liveness = self.token_self(deadline).liveness(&issued.token).await;
                Completion::Event(Event::LookedUp { generation: issued.generation, liveness })
            }
            Action::Revoke(token) => {
                self.revoke(&token, deadline).await;
                Completion::Nothing
            }
            // `Shared::apply` resolves denials itself.
            Action::ResolveDenial { .. } => Completion::Nothing,
        }
    }

    async fn log_in(&self, deadline: Deadline, sent_at: Instant) -> Event {
        let Self { client, namespace, method, .. } = self;
        let client = LoginClient { client, namespace: namespace.as_ref(), deadline };
        let result = deadline.bound(method.login(&client)).await;
        let timed_out = || Err(Error::new(ErrorKind::Timeout, "log in"));
        match result.unwrap_or_else(timed_out) {
            Ok(login) => Event::LoggedIn { login, sent_at },
            Err(error) => {
                info!(%error, "login failed");
                Event::LoginFailed(error.into())
            }
        }
    }

    /// Probes whether a node responds that accepts logins: an active node, or a standby that
    /// forwards requests. Only a login can show what another 4xx means, so it counts too.
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

    /// Revokes a token. If this fails, the token stays valid until it expires.
    pub(crate) async fn revoke(&self, token: &Token, deadline: Deadline) {
        let result = self.token_self(deadline).revoke(token).await;
        self.reporter.revoked(result.is_ok());
        if let Err(error) = result {
            debug!(%error, "token revocation failed");
        }
    }

    /// Returns the fingerprints of the credential's files, or `None` if their file system hangs.
    pub(crate) async fn fingerprints(&self) -> Option<Fingerprints> {
        let files = self.method.files();
        if files.is_empty() {
            return Some(Fingerprints::new());
        }
        self.fingerprint_task.run(move || fingerprints(&files)).await
    }

    fn token_self(&self, deadline: Deadline) -> TokenSelf<'_> {
        TokenSelf { client: &self.client, namespace: self.namespace.as_ref(), deadline }
    }
}
