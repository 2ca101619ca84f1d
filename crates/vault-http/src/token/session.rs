//! A client with a token source: requests that carry the current token, and outlive its death once.

use std::fmt;
use std::sync::Arc;

use crate::client::Client;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Executed};
use crate::request::Request;
use crate::response::Response;
use crate::token::source::{Denial, DenialOutcome, TokenSource};

/// A [`Client`] whose requests carry the token of a [`TokenSource`]. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    client: Client,
    tokens: Arc<dyn TokenSource>,
}

impl Session {
    /// Puts the two together.
    pub fn new(client: Client, tokens: Arc<dyn TokenSource>) -> Self {
        Self { client, tokens }
    }

    /// The deadline of an operation that begins now.
    pub fn deadline(&self) -> Deadline {
        self.client.deadline()
    }

    /// Sends `request` with the current token. A 403 is settled by the token source: where there is
    /// another token, the request is sent once more with that.
    ///
    /// # Errors
    /// As [`Client::send`], and the errors of a login that was needed. [`ErrorKind::Denied`] is
    /// confirmed: the token lives, and its policies don't allow this.
    pub async fn send(&self, request: &Request, deadline: Deadline) -> Result<Response, Error> {
        let mut replaced = false;
        loop {
            let lease = self.wait(request, deadline, self.tokens.token()).await?;
            let outcome = self.client.send(request, Some(&lease.token), deadline).await;
            let error = match outcome {
                // A write that was redirected and then denied may have been executed before.
                Err(error) if is_forbidden(error.kind()) && error.executed() == Executed::No => {
                    error
                }
                other => return other,
            };
            if replaced {
                return Err(error);
            }
            let token_invalid = error.kind() == ErrorKind::TokenInvalid;
            let denial = Denial { generation: lease.generation, token_invalid };
            match self.wait(request, deadline, self.tokens.denied(denial)).await? {
                DenialOutcome::Replaced => replaced = true,
                DenialOutcome::PathDenied => return Err(error.into_kind(ErrorKind::Denied)),
            }
        }
    }

    /// Waits for the token source until the deadline: the request itself is not out then.
    async fn wait<T>(
        &self,
        request: &Request,
        deadline: Deadline,
        source: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match deadline.bound(source).await {
            Some(outcome) => outcome.map_err(Error::mark_not_executed),
            None => Err(request
                .error(ErrorKind::Timeout)
                .with_detail("waiting for a login")
                .mark_not_executed()),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("client", &self.client).finish_non_exhaustive()
    }
}

fn is_forbidden(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::TokenInvalid | ErrorKind::Denied | ErrorKind::Forbidden)
}
