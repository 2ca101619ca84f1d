//! A request goes out, as often as that is safe; an answer or an [`Error`] comes by the deadline.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode, Uri};
use tracing::debug;

use crate::address::Address;
use crate::builder::ClientBuilder;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exchange::{Answer, exchange};
use crate::gate::Gate;
use crate::kind::Kind;
use crate::leader::{Leader, SYS_LEADER};
use crate::redirect::{Origin, same_request};
use crate::request::Request;
use crate::response::Response;
use crate::retry::{Budget, Plan};
use crate::token::Token;
use crate::transport::Transport;

/// A connection pool to one server. Cheap to clone; all clones share the pool, the places in flight
/// and the retry budget.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    transport: Transport,
    address: Address,
    deadline: Duration,
    gate: Gate,
    budget: Budget,
    leader: Leader,
}

impl Client {
    /// Begins a client for the server at `address`.
    pub fn builder(address: Address) -> ClientBuilder {
        ClientBuilder::new(address)
    }

    pub(crate) fn new(transport: Transport, address: Address, deadline: Duration) -> Self {
        let (gate, budget, leader) = (Gate::new(), Budget::new(), Leader::default());
        Self(Arc::new(Inner { transport, address, deadline, gate, budget, leader }))
    }

    /// The server's address.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// The deadline of an operation that begins now.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.0.deadline)
    }

    /// Sends `request` with `token` and waits for the answer until `deadline`. It is sent again
    /// where that is safe and may help, after a wait; [`Kind::class`] says after what.
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
        let mut plan = Plan::new(request.idempotent);
        self.0.budget.deposit();
        loop {
            let error = match self.attempt(request, token, deadline).await {
                Ok(answer) => {
                    debug!(?request, status = answer.status(), "answered");
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let (remaining, chance) = (deadline.remaining(), fastrand::f64());
            let mut next = || plan.next(&error, remaining, &self.0.budget, chance);
            let wait = if request.once { None } else { next() };
            debug!(?request, kind = ?error.kind(), status = ?error.status(), ?wait, "failed");
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    /// Has requests that are sent from now on use new connections, which show the client certificate
    /// as it is in its files now. What is under way ends on the old ones.
    pub fn reconnect(&self) {
        self.0.transport.renew();
    }

    /// Sends it once, a hop to the leader included, within a place in flight.
    async fn attempt(
        &self,
        request: &Request,
        token: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let Some(_place) = self.0.gate.enter(deadline).await else {
            return Err(request.error(Kind::Overloaded));
        };
        let outcome = deadline.bound(self.exchange(request, token)).await;
        outcome.unwrap_or_else(|| Err(request.error(Kind::Timeout)))
    }

    async fn exchange(&self, request: &Request, token: Option<&Token>) -> Result<Response, Error> {
        let uri = self.uri(request)?;
        match exchange(&self.0.transport.pool(), uri.clone(), request, token).await? {
            Answer::Here(answer) => Ok(answer),
            Answer::Elsewhere(location) => self.follow(&uri, &location, request, token).await,
        }
    }

    /// One hop, to the configured address or to the node that it says is the active one.
    async fn follow(
        &self,
        asked: &Uri,
        location: &HeaderValue,
        request: &Request,
        token: Option<&Token>,
    ) -> Result<Response, Error> {
        let error = |kind| request.error(kind).with_status(StatusCode::TEMPORARY_REDIRECT);
        let Some((target, origin)) = same_request(asked, location) else {
            return Err(error(Kind::Redirected));
        };
        let own = Origin::of(asked).is_some_and(|own| own == origin);
        if !own && !self.is_leader(&origin).await {
            let detail = "a redirect to a host that the cluster does not call its active node";
            return Err(error(Kind::NoLeader).with_detail(detail));
        }
        match exchange(&self.0.transport.pool(), target, request, token).await {
            Ok(Answer::Here(answer)) => Ok(answer),
            Ok(Answer::Elsewhere(_)) => {
                Err(error(Kind::NoLeader).with_detail("redirected more than once"))
            }
            Err(hop) if hop.kind() == Kind::Unreachable => {
                let detail = "the node that is said to be active can't be reached";
                Err(error(Kind::NoLeader).with_detail(detail).with_source(hop))
            }
            // The redirect itself may have come after the write was executed.
            Err(hop) if !request.idempotent => Err(hop.doubtful()),
            Err(hop) => Err(hop),
        }
    }

    async fn is_leader(&self, origin: &Origin) -> bool {
        if self.0.leader.knows(origin) {
            return true;
        }
        let question = Request::get(SYS_LEADER);
        let Ok(uri) = self.uri(&question) else { return false };
        match exchange(&self.0.transport.pool(), uri, &question, None).await {
            Ok(Answer::Here(answer)) => self.0.leader.confirm(origin, &answer),
            _ => false,
        }
    }

    fn uri(&self, request: &Request) -> Result<Uri, Error> {
        self.0.address.uri(&request.path, &request.query).map_err(|_| {
            request.error(Kind::Rejected).with_detail("its path is no valid URL").unsent()
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.0.address).finish_non_exhaustive()
    }
}
