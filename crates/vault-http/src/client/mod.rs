//! Sends a request as often as that is safe, until its deadline.

mod hop;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use tokio::time::Instant;
use tracing::debug;

use crate::address::Address;
use crate::availability::{Admission, Availability};
use crate::builder::ClientBuilder;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exchange::{Exchanged, exchange};
use crate::gate::Gate;
use crate::kind::ErrorKind;
use crate::leader::Leader;
use crate::request::Request;
use crate::response::Response;
use crate::retry::{RetryBudget, backoff, is_retryable};
use crate::token::Token;
use crate::transport::Transport;

/// Requests in flight, and those that wait for that. More of them do not make a slow server faster.
const IN_FLIGHT: usize = 64;
const WAITING: usize = 1_024;
/// The same for control traffic, which one token source hardly ever has two requests of.
const CONTROL_IN_FLIGHT: usize = 8;
const CONTROL_WAITING: usize = 64;

/// The shortest time before the deadline in which another try is begun.
const MIN_TRY: Duration = Duration::from_millis(50);

/// A client of one server. Cheap to clone; all clones share connections, limits and retry budget.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    address: Address,
    deadline: Duration,
    leader: Leader,
    control: Arc<Lane>,
}

/// What the requests of one sort share.
struct Lane {
    gate: Gate,
    budget: RetryBudget,
    availability: Availability,
}

impl Lane {
    fn new(in_flight: usize, waiting: usize) -> Arc<Self> {
        let (gate, budget) = (Gate::new(in_flight, waiting), RetryBudget::new());
        Arc::new(Self { gate, budget, availability: Availability::default() })
    }
}

impl Client {
    /// Begins a client for the server at `address`.
    pub fn builder(address: Address) -> ClientBuilder {
        ClientBuilder::new(address)
    }

    pub(crate) fn new(transport: Arc<dyn Transport>, address: Address, deadline: Duration) -> Self {
        let control = Lane::new(CONTROL_IN_FLIGHT, CONTROL_WAITING);
        let leader = Leader::default();
        let shared = Arc::new(Shared { transport, address, deadline, leader, control });
        Self { shared, lane: Lane::new(IN_FLIGHT, WAITING) }
    }

    /// Returns a client for control traffic over the same connections: logins and renewals, which
    /// have to come through however many reads are waiting. It has a concurrency limit and a retry
    /// budget of its own, shared by all such clients.
    #[must_use]
    pub fn control(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), lane: Arc::clone(&self.shared.control) }
    }

    /// The server's address.
    pub fn address(&self) -> &Address {
        &self.shared.address
    }

    /// The deadline of an operation that begins now.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.shared.deadline)
    }

    /// Sends `request` with `token` and waits for the response until `deadline`. It is sent again,
    /// after a wait, if that is safe and may help; [`ErrorKind::semantics`] says after what.
    ///
    /// Safe to cancel: dropping the future closes its connection. Whether a write was executed is
    /// then unknown.
    ///
    /// # Errors
    /// The last failure: [`Error::kind`] names the cause, [`Error::executed`] whether the request
    /// may have been executed all the same.
    pub async fn send(
        &self,
        request: &Request,
        token: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        self.lane.budget.deposit();
        let (mut last, mut failures, mut room): (Option<Error>, _, _) = (None, 0, Duration::ZERO);
        loop {
            let admission = match self.admit(request, deadline, room).await {
                Ok(admission) => admission,
                Err(error) => return Err(last.unwrap_or(error)),
            };
            if let Some(last) = &last
                && !self.lane.budget.withdraw()
            {
                return Err(last.clone());
            }
            let started = Instant::now();
            let outcome = self.attempt(request, token, deadline).await;
            admission.report(outcome.as_ref().err(), fastrand::f64());
            let error = match outcome {
                Ok(response) => {
                    debug!(?request, status = response.status(), "answered");
                    return Ok(response);
                }
                Err(error) => error,
            };
            failures += 1;
            room = room_for(request, started.elapsed());
            let wait = self.wait(request, &error, failures, deadline, room);
            debug!(?request, kind = ?error.kind(), status = ?error.status(), ?wait, "failed");
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(more_telling(request, last, error, deadline)),
            }
            last = Some(error);
        }
    }

    /// Has requests that are sent from now on use new connections, which show the client certificate
    /// as it is in its files now. What is under way ends on the old ones.
    pub fn reconnect(&self) {
        self.shared.transport.reset();
    }

    /// Waits until the request may be sent.
    async fn admit(
        &self,
        request: &Request,
        deadline: Deadline,
        room: Duration,
    ) -> Result<Admission<'_>, Error> {
        if deadline.has_passed() {
            let error = request.error(ErrorKind::Timeout).mark_not_executed();
            return Err(error.with_detail("the deadline passed before it was sent"));
        }
        if request.once {
            return Ok(self.lane.availability.admit_at_once());
        }
        self.lane.availability.admit(deadline, room).await.map_err(|known| {
            let error = request
                .error(known.kind())
                .with_retry_after(known.retry_after())
                .mark_not_executed();
            error.with_detail("found out by another request; this one was not sent")
        })
    }

    /// The wait before the request is sent again, or `None` if it is not. While the server answers
    /// nobody, the wait for the next probe is [`Availability`]'s.
    fn wait(
        &self,
        request: &Request,
        error: &Error,
        failures: u32,
        deadline: Deadline,
        room: Duration,
    ) -> Option<Duration> {
        let again = !request.once && is_retryable(error, request.idempotent);
        if !again || !self.lane.budget.is_covered() {
            return None;
        }
        if Availability::is_outage(error.kind()) {
            return Some(Duration::ZERO);
        }
        let wait = backoff(error, failures, fastrand::f64());
        (wait + room < deadline.remaining()).then_some(wait)
    }

    /// Sends it once, a hop to the leader included, within a permit.
    async fn attempt(
        &self,
        request: &Request,
        token: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let Some(_permit) = self.lane.gate.enter(deadline).await else {
            return Err(request.error(ErrorKind::Overloaded));
        };
        let exchanged = pin!(self.exchange(request, token, deadline));
        let outcome = deadline.bound(exchanged).await;
        outcome.unwrap_or_else(|| Err(request.error(ErrorKind::Timeout)))
    }

    async fn exchange(
        &self,
        request: &Request,
        token: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let uri = self.uri(request)?;
        match exchange(&*self.shared.transport, uri.clone(), request, token, deadline).await? {
            Exchanged::Final(response) => Ok(response),
            Exchanged::Redirect(location) => {
                self.follow(&uri, &location, request, token, deadline).await
            }
        }
    }

    pub(crate) fn uri(&self, request: &Request) -> Result<Uri, Error> {
        self.shared.address.uri(&request.path, &request.query).map_err(|_| {
            request
                .error(ErrorKind::Rejected)
                .with_detail("its path is no valid URL")
                .mark_not_executed()
        })
    }
}

/// The time that another try needs before the deadline. A write that is cut off by its deadline is in
/// doubt, so that none is begun that would take longer than the last one.
fn room_for(request: &Request, last_try: Duration) -> Duration {
    if request.idempotent { MIN_TRY } else { MIN_TRY.max(last_try) }
}

/// Of the errors of a request's last two tries, the one to report. A read that its deadline cut off
/// says less than the failure before it.
fn more_telling(
    request: &Request,
    before: Option<Error>,
    last: Error,
    deadline: Deadline,
) -> Error {
    let cut_off = last.kind() == ErrorKind::Timeout && deadline.has_passed() && request.idempotent;
    match before {
        Some(before) if cut_off => before,
        _ => last,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.shared.address).finish_non_exhaustive()
    }
}
