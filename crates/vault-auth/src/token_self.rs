//! What a token asks about itself: to be renewed, to be looked up, to be revoked.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vault_http::{ApiPath, Client, Deadline, Error, ErrorKind, Request, Response, Token};

use crate::machine::{Liveness, Renewal, RenewalFailure, reached_no_active_node};

const RENEW_SELF: ApiPath = ApiPath::from_static("auth/token/renew-self");
const LOOKUP_SELF: ApiPath = ApiPath::from_static("auth/token/lookup-self");
const REVOKE_SELF: ApiPath = ApiPath::from_static("auth/token/revoke-self");

/// The way to the server, for a token in its namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenSelf<'a> {
    pub(crate) client: &'a Client,
    pub(crate) namespace: Option<&'a ApiPath>,
    pub(crate) deadline: Deadline,
}

impl TokenSelf<'_> {
    /// Asks, once, for `increment` more from now.
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
        let answer = self.send(&request, token, &[200, 204]).await;
        let answer = answer.map_err(|error| (classify(&error), error))?;
        // 204, or an answer without a lease: the user is gone, and nothing was renewed.
        renewal(&answer).ok_or_else(|| {
            let error = answer.error(ErrorKind::Rejected).with_detail("nothing was renewed");
            (RenewalFailure::Refused, error)
        })
    }

    /// Looks the token up.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub(crate) async fn look_up(self, token: &Token) -> Result<Response, Error> {
        self.send(&Request::get(LOOKUP_SELF), token, &[200]).await
    }

    /// Whether it lives, by a look-up.
    pub(crate) async fn liveness(self, token: &Token) -> Liveness {
        #[derive(Deserialize)]
        struct Data {}
        // An answer of another shape is not Vault's, and says nothing about the token.
        match self.look_up(token).await.and_then(|answer| answer.data::<Data>()) {
            Ok(_) => Liveness::Alive,
            Err(error) => match error.kind() {
                // The token may not look itself up: its policies are at work, so it lives.
                ErrorKind::Denied => Liveness::Alive,
                ErrorKind::TokenInvalid | ErrorKind::Forbidden => Liveness::Dead,
                _ => Liveness::Unknown(error),
            },
        }
    }

    /// Ends the token.
    ///
    /// # Errors
    /// As [`Client::send`]; it ends by itself then.
    pub(crate) async fn revoke(self, token: &Token) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Nothing {}
        self.send(&Request::post(REVOKE_SELF, &Nothing {})?, token, &[200, 204]).await.map(drop)
    }

    /// Sends a request that is answered with one of these `statuses`.
    async fn send(
        &self,
        request: &Request,
        token: &Token,
        statuses: &[u16],
    ) -> Result<Response, Error> {
        let request = request.clone().namespace(self.namespace);
        let sent = self.deadline.bound(self.client.send(&request, Some(token), self.deadline));
        let answer = sent.await;
        let answer =
            answer.unwrap_or_else(|| Err(Error::new(ErrorKind::Timeout, request.to_string())))?;
        answer.expect_status(statuses)?;
        Ok(answer)
    }
}

fn renewal(answer: &Response) -> Option<Renewal> {
    #[derive(Deserialize)]
    struct Answer {
        auth: Auth,
        warnings: Option<Vec<String>>,
    }
    #[derive(Deserialize)]
    struct Auth {
        lease_duration: i64,
    }
    let Answer { auth, warnings } = answer.json().ok()?;
    let seconds = u64::try_from(auth.lease_duration).ok().filter(|seconds| *seconds > 0)?;
    let capped = warnings.iter().flatten().any(|text| text.contains("max_ttl"));
    Some(Renewal { lease: Duration::from_secs(seconds), capped })
}

fn classify(error: &Error) -> RenewalFailure {
    if reached_no_active_node(error) {
        return RenewalFailure::NoActiveNode;
    }
    match (error.kind(), error.status()) {
        (ErrorKind::TokenInvalid, _) => RenewalFailure::Dead,
        (ErrorKind::Denied, _) => RenewalFailure::Forbidden,
        (_, Some(400)) => RenewalFailure::NotRenewable,
        // Dead or forbidden; and 500, which a role that is gone is told by.
        (ErrorKind::Forbidden, _) | (_, Some(500)) => RenewalFailure::Refused,
        _ => RenewalFailure::Unavailable,
    }
}
