//! The one hop from a standby to the cluster's active node.

use http::{HeaderValue, StatusCode, Uri};

use super::Client;
use crate::client::exchange::{Exchanged, exchange};
use crate::client::leader::LeaderCache;
use crate::client::origin::Origin;
use crate::client::redirect_target::same_request;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Response;
use crate::token::Token;

impl Client {
    /// One hop, to the configured address or to the node that it says is the active one.
    pub(super) async fn follow(
        &self,
        asked: &Uri,
        location: &HeaderValue,
        request: &Request,
        token: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let error = |kind| request.error(kind).with_status(StatusCode::TEMPORARY_REDIRECT);
        let Some((target, origin)) = same_request(asked, location) else {
            return Err(error(ErrorKind::Redirected));
        };
        if !origin.is_tls() && !self.shared.address.plaintext().allows(origin.host()) {
            let detail = "a redirect to plain http on a host that is not loopback";
            return Err(error(ErrorKind::Redirected).with_detail(detail));
        }
        let own = Origin::of(asked).is_some_and(|own| own == origin);
        if !own && !self.is_leader(&origin, deadline).await {
            let detail = "a redirect to a host that the cluster does not call its active node";
            return Err(error(ErrorKind::NoLeader).with_detail(detail));
        }
        match exchange(&*self.shared.transport, target, request, token, deadline).await {
            Ok(Exchanged::Final(response)) => Ok(response),
            Ok(Exchanged::Redirect(_)) => {
                Err(error(ErrorKind::NoLeader).with_detail("redirected more than once"))
            }
            Err(hop) if hop.kind() == ErrorKind::Unreachable => {
                let detail = "the node that is said to be active can't be reached";
                Err(error(ErrorKind::NoLeader).with_detail(detail).with_source(hop))
            }
            // The redirect itself may have come after the write was executed.
            Err(hop) if !request.idempotent => Err(hop.mark_maybe_executed()),
            Err(hop) => Err(hop),
        }
    }

    /// Returns whether the cluster calls `origin` its active node. The question counts as a retry.
    async fn is_leader(&self, origin: &Origin, deadline: Deadline) -> bool {
        let ask = || async {
            let question = LeaderCache::request();
            let uri = self.lane.budget.try_withdraw().then(|| self.uri(&question))?.ok()?;
            let transport = &*self.shared.transport;
            match exchange(transport, uri, &question, None, deadline).await {
                Ok(Exchanged::Final(response)) => Some(response),
                _ => None,
            }
        };
        self.shared.leader.confirm(origin, ask).await
    }
}
