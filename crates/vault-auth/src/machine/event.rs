//! The inputs and outputs of the token machine.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Denial, Error, ErrorKind, Executed, Generation, IssuedToken, Token};

use crate::login::Login;

/// The time of an event, and a random number from 0 to 1 for the delays that follow from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    pub(crate) jitter: f64,
}

/// An input of the machine.
#[derive(Debug)]
pub(crate) enum Event {
    /// A token is needed for the first time.
    Start,
    /// The time of the next wakeup was reached.
    Tick,
    /// A login that was sent at `sent_at` succeeded.
    LoggedIn { login: Login, sent_at: Instant },
    /// A login failed.
    LoginFailed(LoginFailure),
    /// A renewal that was sent at `sent_at` succeeded.
    Renewed { generation: Generation, renewal: Renewal, sent_at: Instant },
    /// A renewal failed.
    RenewalFailed { generation: Generation, failure: RenewalFailure },
    /// A health probe ended. `can_log_in`: a node responded that accepts logins.
    Probed { can_log_in: bool },
    /// A request with the token was answered with a 403.
    Denied(Denial),
    /// The look-up after a 403 ended.
    LookedUp { generation: Generation, liveness: Liveness },
    /// The token has few uses left, or none if `exhausted`.
    UsesLow { generation: Generation, exhausted: bool },
    /// A credential file has changed. `log_in_now`: even if the token is valid.
    CredentialChanged { log_in_now: bool },
}

/// The failure of a login.
#[derive(Debug)]
pub(crate) struct LoginFailure {
    pub(crate) error: Error,
    /// The server refused the login, so that the same credential is refused again.
    pub(crate) refused: bool,
    /// The login was certainly not executed, and may succeed if it is retried at once.
    pub(crate) retry_now: bool,
    /// The request reached no active node, so no login was attempted.
    pub(crate) no_active_node: bool,
    /// The delay that the server requested.
    pub(crate) retry_after: Option<Duration>,
}

impl From<Error> for LoginFailure {
    fn from(error: Error) -> Self {
        // Without a status, the credential could not be read, and no server has refused it.
        let is_refusal = matches!(error.kind(), ErrorKind::LoginRefused | ErrorKind::NoNamespace);
        let refused = is_refusal && error.status().is_some();
        let retry_now = error.kind().semantics().retryable && error.executed() == Executed::No;
        let no_active_node = reached_no_active_node(&error);
        Self { refused, retry_now, no_active_node, retry_after: error.retry_after(), error }
    }
}

/// Returns whether a request failed before it reached an active node.
pub(crate) fn reached_no_active_node(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unreachable | ErrorKind::Tls | ErrorKind::Sealed | ErrorKind::NoLeader
    )
}

/// The result of a renewal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renewal {
    /// The lease, counted from before the renewal was sent.
    pub(crate) lease: Duration,
    /// Whether the server warned that the maximum TTL limits the lease.
    pub(crate) capped: bool,
}

/// The reason why a token was not renewed.
#[derive(Debug, Clone)]
pub(crate) enum RenewalFailure {
    /// The token is dead.
    Dead,
    /// A policy denies renewals.
    Forbidden,
    /// This token cannot be renewed, now or later.
    NotRenewable,
    /// The server renewed nothing for another reason, which a login may show.
    Refused,
    /// There was no usable response.
    Unavailable,
    /// The request reached no active node.
    NoActiveNode,
}

/// The result of a token look-up.
#[derive(Debug, Clone)]
pub(crate) enum Liveness {
    /// The token is valid, so the path is denied.
    Alive,
    /// The token is not valid.
    Dead,
    /// The look-up failed.
    Unknown(Error),
}

/// An output of the machine.
#[derive(Debug)]
pub(crate) enum Action {
    /// Log in.
    LogIn,
    /// Probe the server's health.
    Probe,
    /// Renew this token by `increment`, and give up after `timeout`.
    Renew { issued: IssuedToken, increment: Duration, timeout: Duration },
    /// Look up this token.
    LookUp(IssuedToken),
    /// Revoke this token, which is not used any more.
    Revoke(Token),
    /// Report the outcome to all callers that wait for the denial of this generation.
    ResolveDenial { generation: Generation, liveness: Liveness },
}
