//! The client: sends requests, and retries them until their deadlines if that is safe.

mod attempt;
mod availability;
pub(crate) mod builder;
mod concurrency;
pub(crate) mod exchange;
mod leader;
mod origin;
mod redirect_target;
mod retry;
mod retry_budget;
mod server;
pub(crate) mod server_status;
mod telemetry;
mod traffic_class;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::attempt::Attempt;
use self::availability::{Admission, Availability};
use self::retry::{backoff, is_retryable};
use self::server::Server;
use self::server_status::ServerStatus;
use self::traffic_class::TrafficClass;
use crate::address::Address;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::log::debug;
use crate::path::ApiPath;
use crate::request::Request;
use crate::response::Response;
use crate::token::Token;

/// The minimum time before the deadline for another attempt.
const MIN_ATTEMPT: Duration = Duration::from_millis(50);

/// A client of one server. Cheap to clone. All clones share connections, limits and retry budget.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    class: Arc<TrafficClass>,
}

/// What the clients of all traffic classes share.
struct Shared {
    server: Server,
    deadline: Duration,
    /// The namespace of requests that name none.
    namespace: Option<ApiPath>,
    control: Arc<TrafficClass>,
}

impl Client {
    fn new(server: Server, deadline: Duration, namespace: Option<ApiPath>) -> Self {
        let control = Arc::new(TrafficClass::control());
        let class = Arc::new(TrafficClass::ordinary());
        Self { shared: Arc::new(Shared { server, deadline, namespace, control }), class }
    }

    /// Returns a client for control traffic, such as logins and renewals, over the same
    /// connections.
    ///
    /// Control traffic has its own concurrency limit and retry budget, so that it succeeds however
    /// many other requests are queued. All control clients share them.
    #[must_use]
    pub fn control(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), class: Arc::clone(&self.shared.control) }
    }

    /// Returns the address of the server.
    pub fn address(&self) -> &Address {
        &self.shared.server.address
    }

    /// Returns the deadline of an operation that starts now.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.shared.deadline)
    }

    /// Sends `request` with `token` and waits for the response until `deadline`.
    ///
    /// A failed request is retried, with backoff, if that is safe and may help, as
    /// [`ErrorKind::semantics`] says. While the server is sealed, has no active node or limits the
    /// rate, one request at a time probes it and the others wait for the outcome.
    ///
    /// # Errors
    /// The last failure. [`Error::kind`] returns the cause, and [`Error::executed`] whether the
    /// request may have been executed.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection of the request. Whether a write was executed is
    /// then unknown.
    pub async fn send(
        &self,
        request: &Request,
        token: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let request = &*self.in_namespace(request);
        let (server, class) = (&self.shared.server, &*self.class);
        let attempt = Attempt { server, class, request, token, deadline, resends: 0 };
        self.settle_budget(request)?;
        let (mut last, mut failures, mut needed) = (None::<Error>, 0, MIN_ATTEMPT);
        loop {
            let admission = match self.admit(request, deadline, needed).await {
                Ok(admission) => admission,
                Err(error) => return Err(last.unwrap_or(error)),
            };
            if let Some(last) = &last {
                if !class.budget.try_withdraw() {
                    return Err(last.clone());
                }
                telemetry::retry(last.kind());
            }
            let started = Instant::now();
            let outcome = Attempt { resends: failures, ..attempt }.run().await;
            admission.report(outcome.as_ref().err(), fastrand::f64());
            let error = match outcome {
                Ok(response) => {
                    debug!(?request, status = response.status(), "request succeeded");
                    return Ok(response);
                }
                Err(error) => error,
            };
            failures += 1;
            needed = time_needed(request, started.elapsed());
            let wait = self.wait_before_retry(request, &error, failures, deadline, needed);
            let (kind, status) = (error.kind(), error.status());
            debug!(?request, ?kind, ?status, ?wait, "request failed");
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error_to_report(request, last, error, deadline)),
            }
            last = Some(error);
        }
    }

    /// Discards the pooled connections, so that later requests use new ones, with the current
    /// client certificate. Requests in flight are not affected.
    pub fn reconnect(&self) {
        self.shared.server.transport.reset();
    }

    /// Returns what the requests of all clones have shown about the server. Sends nothing.
    pub fn server_status(&self) -> ServerStatus {
        self.shared.server.observer.status()
    }

    /// Requests `sys/health` once, until `deadline`, and returns the status after that.
    ///
    /// It is not queued behind other requests. Unlike their outcomes, its outcome neither begins nor
    /// ends an outage, because a sealed server responds to it too.
    pub async fn check_health(&self, deadline: Deadline) -> ServerStatus {
        let (server, class, request) =
            (&self.shared.server, &*self.shared.control, Request::health());
        let (request, token) = (&request, None);
        let attempt = Attempt { server, class, request, token, deadline, resends: 0 };
        // The outcome is observed.
        let _ = attempt.run().await;
        self.server_status()
    }

    /// Returns the request in the namespace of the client, if the request names none.
    fn in_namespace<'r>(&self, request: &'r Request) -> Cow<'r, Request> {
        match &self.shared.namespace {
            Some(namespace) if !request.names_namespace() => {
                Cow::Owned(request.clone().namespace(Some(namespace)))
            }
            _ => Cow::Borrowed(request),
        }
    }

    /// Adds the request's deposit to the retry budget, or withdraws what a retry costs.
    fn settle_budget(&self, request: &Request) -> Result<(), Error> {
        if !request.is_retry {
            self.class.budget.deposit();
        } else if !self.class.budget.try_withdraw() {
            let error = request.error(ErrorKind::Overloaded).mark_not_executed();
            return Err(error.with_detail("the retry budget is exhausted"));
        }
        Ok(())
    }

    /// Waits until the request may be sent.
    async fn admit(
        &self,
        request: &Request,
        deadline: Deadline,
        needed: Duration,
    ) -> Result<Admission<'_>, Error> {
        if deadline.has_passed() {
            let error = request.error(ErrorKind::Timeout).mark_not_executed();
            return Err(error.with_detail("the deadline passed before the request was sent"));
        }
        if !request.retries {
            return Ok(self.class.availability.admit_at_once());
        }
        self.class.availability.admit(deadline, needed).await.map_err(|probe_error| {
            request
                .error(probe_error.kind())
                .with_retry_after(probe_error.retry_after())
                .with_detail("reported by a concurrent request; this one was not sent")
                .mark_not_executed()
        })
    }

    /// Returns the wait before the request is retried, or `None` if it is not retried. During an
    /// outage, [`Availability`] schedules the retry instead.
    fn wait_before_retry(
        &self,
        request: &Request,
        error: &Error,
        failures: u32,
        deadline: Deadline,
        needed: Duration,
    ) -> Option<Duration> {
        let may_retry = request.retries && is_retryable(error, request.idempotent);
        if !may_retry || !self.class.budget.covers_retry() {
            return None;
        }
        if Availability::is_outage(error.kind()) {
            return Some(Duration::ZERO);
        }
        let wait = backoff(error, failures, fastrand::f64());
        (wait + needed < deadline.remaining()).then_some(wait)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", self.address()).finish_non_exhaustive()
    }
}

/// Returns the time that another attempt needs before the deadline. A write that the deadline
/// interrupts may have been executed, so another one is started only if there is time for an
/// attempt as long as the last.
fn time_needed(request: &Request, last_attempt: Duration) -> Duration {
    if request.idempotent { MIN_ATTEMPT } else { MIN_ATTEMPT.max(last_attempt) }
}

/// Returns the more informative of the errors of the last two attempts. If the deadline interrupted
/// the last attempt of an idempotent request, that is the one before.
fn error_to_report(
    request: &Request,
    previous: Option<Error>,
    last: Error,
    deadline: Deadline,
) -> Error {
    let is_interrupted =
        last.kind() == ErrorKind::Timeout && deadline.has_passed() && request.idempotent;
    match previous {
        Some(previous) if is_interrupted => previous,
        _ => last,
    }
}
