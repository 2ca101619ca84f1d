//! One attempt to send a request, including a redirect from a standby to the active node.

use std::pin::pin;

use http::{HeaderValue, StatusCode, Uri};

use super::exchange::{Exchanged, exchange};
use super::leader::LeaderCache;
use super::origin::Origin;
use super::redirect_target::same_request;
use super::server::Server;
use super::telemetry;
use super::traffic_class::TrafficClass;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Response;
use crate::token::Token;
use crate::traceparent::Traceparent;

/// A request and everything that an attempt to send it needs.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) server: &'a Server,
    pub(super) class: &'a TrafficClass,
    pub(super) request: &'a Request,
    pub(super) token: Option<&'a Token>,
    pub(super) deadline: Deadline,
    /// The number of earlier attempts.
    pub(super) resends: u32,
}

impl Attempt<'_> {
    /// Sends the request once, with a concurrency permit, and follows one redirect.
    pub(super) async fn run(self) -> Result<Response, Error> {
        let Some(_permit) = self.class.concurrency.acquire(self.deadline).await else {
            return Err(self.request.error(ErrorKind::Overloaded));
        };
        let response = pin!(self.send());
        let bounded = async {
            let response = self.deadline.bound(response).await;
            response.unwrap_or_else(|| Err(self.request.error(ErrorKind::Timeout)))
        };
        let (address, bounded) = (&self.server.address, pin!(bounded));
        let outcome = telemetry::observe(address, self.request, self.resends, bounded).await;
        self.server.observer.record(self.request, &outcome);
        outcome
    }

    async fn send(&self) -> Result<Response, Error> {
        let uri = self.server.uri(self.request)?;
        let traceparent = self.server.traceparent.as_ref().and_then(|source| source());
        let traceparent = traceparent.as_ref();
        match self.exchange(uri.clone(), traceparent).await? {
            Exchanged::Final(response) => Ok(response),
            Exchanged::Redirect(location) => self.follow(&uri, &location, traceparent).await,
        }
    }

    async fn exchange(
        &self,
        uri: Uri,
        traceparent: Option<&Traceparent>,
    ) -> Result<Exchanged, Error> {
        let (transport, request) = (&*self.server.transport, self.request);
        exchange(transport, uri, request, self.token, traceparent, self.deadline).await
    }

    /// Follows a redirect, once, to the configured address or to the cluster's active node.
    async fn follow(
        &self,
        original: &Uri,
        location: &HeaderValue,
        traceparent: Option<&Traceparent>,
    ) -> Result<Response, Error> {
        let target = self.redirect_target(original, location).await?;
        match self.exchange(target, traceparent).await {
            Ok(Exchanged::Final(response)) => Ok(response),
            Ok(Exchanged::Redirect(_)) => {
                Err(self.redirect_error(ErrorKind::NoLeader).with_detail("more than one redirect"))
            }
            Err(error) if error.kind() == ErrorKind::Unreachable => Err(self
                .redirect_error(ErrorKind::NoLeader)
                .with_detail("cannot connect to the node that sys/leader names")
                .with_source(error)),
            // The redirect may have been sent after the write had been executed.
            Err(error) if !self.request.idempotent => Err(error.mark_maybe_executed()),
            Err(error) => Err(error),
        }
    }

    /// Returns the target of a redirect if the token may be sent there.
    async fn redirect_target(&self, original: &Uri, location: &HeaderValue) -> Result<Uri, Error> {
        let Some((target, origin)) = same_request(original, location) else {
            return Err(self.redirect_error(ErrorKind::Redirected));
        };
        if !origin.is_tls() && !self.server.address.plaintext().allows(origin.host()) {
            let detail = "the target is plain http on a host that is not loopback";
            return Err(self.redirect_error(ErrorKind::Redirected).with_detail(detail));
        }
        let is_configured = Origin::of(original).is_some_and(|configured| configured == origin);
        if !is_configured && !self.is_leader(&origin).await {
            let detail = "redirected to a host that sys/leader does not name";
            return Err(self.redirect_error(ErrorKind::NoLeader).with_detail(detail));
        }
        Ok(target)
    }

    /// Returns whether the cluster names `origin` as its active node. The request for that costs a
    /// retry.
    async fn is_leader(&self, origin: &Origin) -> bool {
        let fetch = || async {
            let request = LeaderCache::request();
            let uri = self.class.budget.try_withdraw().then(|| self.server.uri(&request))?.ok()?;
            let transport = &*self.server.transport;
            match exchange(transport, uri, &request, None, None, self.deadline).await {
                Ok(Exchanged::Final(response)) => Some(response),
                _ => None,
            }
        };
        self.server.leader.confirm(origin, fetch).await
    }

    fn redirect_error(&self, kind: ErrorKind) -> Error {
        self.request.error(kind).with_status(StatusCode::TEMPORARY_REDIRECT)
    }
}
