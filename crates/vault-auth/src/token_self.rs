//! The requests of a token about itself: renewal, look-up and revocation.
//!
//! This module interprets the responses. What follows from them is decided by the
//! [token machine](crate::machine).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vault_http::{ApiPath, Client, Deadline, Error, ErrorKind, Request, Response, Token};

use crate::machine::{Liveness, Renewal, RenewalFailure, reached_no_active_node};

const RENEW_SELF: ApiPath = ApiPath::from_static("auth/token/renew-self");
const LOOKUP_SELF: ApiPath = ApiPath::from_static("auth/token/lookup-self");
const REVOKE_SELF: ApiPath = ApiPath::from_static("auth/token/revoke-self");

/// A client for the `auth/token/*-self` endpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenSelf<'a> {
    pub(crate) client: &'a Client,
    pub(crate) namespace: Option<&'a ApiPath>,
    pub(crate) deadline: Deadline,
}

impl TokenSelf<'_> {
    /// Renews the token by `increment` from now, without retries.
    pub(crate) async fn renew(
        self,
        token: &Token,
        increment: Duration,
    ) -> Result<Renewal, (RenewalFailure, Error)> {
        #[derive(Serialize)]
        struct Body {
            increment: u64,
        }
        let body = Body { increment: increment.as_secs() };
        let request = Request::post(RENEW_SELF, &body);
        let request = request.map(|request| request.without_retries().first_byte_limit(None));
        let request = request.map_err(|error| (RenewalFailure::Unavailable, error))?;
        let response = self.send(&request, token, &[200, 204]).await;
        let response = response.map_err(|error| (renewal_failure(&error), error))?;
        // A 204 or a response without a lease means that the user is gone and nothing was renewed.
        parse_renewal(&response).ok_or_else(|| {
            let error = response.error(ErrorKind::Rejected).with_detail("nothing was renewed");
            (RenewalFailure::Refused, error)
        })
    }

    /// Looks the token up.
    ///
    /// # Errors
    /// The errors of [`Client::send`].
    pub(crate) async fn look_up(self, token: &Token) -> Result<Response, Error> {
        self.send(&Request::get(LOOKUP_SELF), token, &[200]).await
    }

    /// Looks the token up to find out whether it is alive.
    pub(crate) async fn liveness(self, token: &Token) -> Liveness {
        #[derive(Deserialize)]
        struct Data {}
        // A 200 of another shape is not from Vault and proves nothing about the token.
        match self.look_up(token).await.and_then(|response| response.data::<Data>()) {
            Ok(_) => Liveness::Alive,
            Err(error) => match error.kind() {
                // The token's policies deny the look-up, so Vault knows the token.
                ErrorKind::Denied => Liveness::Alive,
                ErrorKind::TokenInvalid | ErrorKind::Forbidden => Liveness::Dead,
                _ => Liveness::Unknown(error),
            },
        }
    }

    /// Revokes the token.
    ///
    /// # Errors
    /// The errors of [`Client::send`]. The token then stays valid until it expires.
    pub(crate) async fn revoke(self, token: &Token) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Empty {}
        self.send(&Request::post(REVOKE_SELF, &Empty {})?, token, &[200, 204]).await.map(drop)
    }

    /// Sends a request and expects one of `statuses`.
    async fn send(
        &self,
        request: &Request,
        token: &Token,
        statuses: &[u16],
    ) -> Result<Response, Error> {
        let request = request.clone().namespace(self.namespace);
        let sent = self.deadline.bound(self.client.send(&request, Some(token), self.deadline));
        let timed_out = || Err(Error::new(ErrorKind::Timeout, request.to_string()));
        let response = sent.await.unwrap_or_else(timed_out)?;
        response.expect_status(statuses)?;
        Ok(response)
    }
}

/// Parses the response to a renewal. Returns `None` if it has no lease.
fn parse_renewal(response: &Response) -> Option<Renewal> {
    #[derive(Deserialize)]
    struct Body {
        auth: Auth,
        warnings: Option<Vec<String>>,
    }
    #[derive(Deserialize)]
    struct Auth {
        lease_duration: i64,
    }
    let Body { auth, warnings } = response.json().ok()?;
    let seconds = u64::try_from(auth.lease_duration).ok().filter(|seconds| *seconds > 0)?;
    let capped = warnings.iter().flatten().any(|text| text.contains("max_ttl"));
    Some(Renewal { lease: Duration::from_secs(seconds), capped })
}

/// Classifies the error of a renewal.
fn renewal_failure(error: &Error) -> RenewalFailure {
    if reached_no_active_node(error) {
        return RenewalFailure::NoActiveNode;
    }
    match (error.kind(), error.status()) {
        (ErrorKind::TokenInvalid, _) => RenewalFailure::Dead,
        (ErrorKind::Denied, _) => RenewalFailure::Forbidden,
        (_, Some(400)) => RenewalFailure::NotRenewable,
        // A 403 of an unknown cause, or a 500, which Vault returns if the role was deleted.
        (ErrorKind::Forbidden, _) | (_, Some(500)) => RenewalFailure::Refused,
        _ => RenewalFailure::Unavailable,
    }
}
