//! A client that obtains its token from a [`TokenSource`] and retries once with a replaced token.

use std::fmt;
use std::sync::Arc;

use super::source::{Denial, DenialOutcome, TokenSource};
use crate::client::Client;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Executed};
use crate::request::Request;
use crate::response::Response;

/// A [`Client`] whose requests carry the token of a [`TokenSource`]. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    client: Client,
    tokens: Arc<dyn TokenSource>,
}

impl Session {
    /// Creates a session. To share a source, pass an [`Arc`] of it.
    pub fn new(client: Client, tokens: impl TokenSource + 'static) -> Self {
        Self { client, tokens: Arc::new(tokens) }
    }

    /// Returns the client, whose requests carry no token by themselves.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the deadline of an operation that starts now.
    pub fn deadline(&self) -> Deadline {
        self.client.deadline()
    }

    /// Sends `request` with the current token.
    ///
    /// After a 403, the token source determines the cause. If it has replaced the token, the
    /// request is sent once more with the new one.
    ///
    /// # Errors
    /// As for [`Client::send`], and the error of a login that the request waited for.
    /// [`ErrorKind::Denied`] is confirmed: the token is valid, but its policies do not permit the
    /// request. The exception is a source that returns [`DenialOutcome::Unconfirmed`], such as
    /// [`FixedToken`](crate::FixedToken).
    pub async fn send(&self, request: &Request, deadline: Deadline) -> Result<Response, Error> {
        let mut is_retry = false;
        loop {
            let issued = self.until_deadline(request, deadline, self.tokens.token()).await?;
            let outcome = self.client.send(request, Some(&issued.token), deadline).await;
            let error = match outcome {
                // A write may have been executed if it was redirected before it was denied.
                Err(error) if is_denied(error.kind()) && error.executed() == Executed::No => error,
                other => return other,
            };
            if is_retry {
                return Err(error);
            }
            let token_invalid = error.kind() == ErrorKind::TokenInvalid;
            let denial = Denial::new(issued.generation, token_invalid);
            let outcome =
                self.until_deadline(request, deadline, self.tokens.denied(denial)).await?;
            match outcome {
                DenialOutcome::Replaced => is_retry = true,
                DenialOutcome::PathDenied => return Err(error.into_kind(ErrorKind::Denied)),
                DenialOutcome::Unconfirmed => return Err(error),
            }
        }
    }

    /// Waits for the token source until the deadline. The request itself has not been sent then.
    async fn until_deadline<T>(
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

fn is_denied(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::TokenInvalid | ErrorKind::Denied | ErrorKind::Forbidden)
}
