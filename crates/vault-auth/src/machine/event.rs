//! What a token's life is told, and what it wants done.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Denial, Error, ErrorKind, Executed, Generation, IssuedToken, Token};

use crate::login::Login;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Somebody wants a token.
    Start,
    /// What `Life::due` named is there.
    Tick,
    /// A login that was sent at `asked` gave this.
    LoggedIn { login: Login, sent_at: Instant },
    /// A login gave nothing.
    LoginFailed(LoginFailure),
    /// A renewal that was sent at `asked` gave this.
    Renewed { generation: Generation, renewal: Renewal, sent_at: Instant },
    /// A renewal gave nothing.
    RenewalFailed { generation: Generation, failure: RenewalFailure },
    /// The server was asked for its health; `reached`: a login may succeed now.
    Probed { can_log_in: bool },
    /// A request with the token was answered 403.
    Denied(Denial),
    /// A look-up of the token after that.
    LookedUp { generation: Generation, liveness: Liveness },
    /// The token has few uses left, or none.
    UsesLow { generation: Generation, exhausted: bool },
    /// A credential's file is another one now; `log_in`: that wants a new token at once.
    CredentialChanged { log_in_now: bool },
}

/// Why a login gave nothing.
#[derive(Debug)]
pub(crate) struct LoginFailure {
    pub(crate) error: Error,
    /// The server refused the credential.
    pub(crate) refused: bool,
    /// It was certainly not executed, and may work the next moment.
    pub(crate) retry_now: bool,
    /// It reached no active node, and so no login was made.
    pub(crate) no_active_node: bool,
    /// How long the server asks to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl From<Error> for LoginFailure {
    fn from(error: Error) -> Self {
        // A credential that could not even be read was refused by nobody.
        let refused = error.kind() == ErrorKind::LoginRefused && error.status().is_some();
        let again = error.kind().semantics().retryable && error.executed() == Executed::No;
        let unreached = reached_no_active_node(&error);
        Self {
            refused,
            retry_now: again,
            no_active_node: unreached,
            retry_after: error.retry_after(),
            error,
        }
    }
}

/// Returns whether a request failed before it reached an active node.
pub(crate) fn reached_no_active_node(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unreachable | ErrorKind::Tls | ErrorKind::Sealed | ErrorKind::NoLeader
    )
}

/// What a renewal gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renewal {
    /// How long the token lives from before the renewal was sent.
    pub(crate) lease: Duration,
    /// Whether the server said that the token's greatest age cuts it short.
    pub(crate) capped: bool,
}

/// Why a token was not renewed.
#[derive(Debug, Clone)]
pub(crate) enum RenewalFailure {
    /// The token is dead.
    Dead,
    /// A policy forbids renewals.
    Forbidden,
    /// This token can't be renewed, now or later.
    NotRenewable,
    /// The server renewed nothing, and a login may show why.
    Refused,
    /// Nobody could be asked.
    Unavailable,
    /// The request reached no active node.
    NoActiveNode,
}

/// What a look-up showed of a token.
#[derive(Debug, Clone)]
pub(crate) enum Liveness {
    /// It lives: the path is denied.
    Alive,
    /// It is dead.
    Dead,
    /// It could not be looked up.
    Unknown(Error),
}

/// Something that is to be done.
#[derive(Debug)]
pub(crate) enum Action {
    /// Log in.
    LogIn,
    /// Ask for the server's health.
    Probe,
    /// Renew this token for so long. The response has to come `within` this time.
    Renew { issued: IssuedToken, increment: Duration, timeout: Duration },
    /// Look this token up.
    LookUp(IssuedToken),
    /// Revoke this token: another is used.
    Revoke(Token),
    /// Tell all who asked about this generation.
    ResolveDenial { generation: Generation, liveness: Liveness },
}
