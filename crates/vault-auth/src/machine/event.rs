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
    LoggedIn { login: Login, asked: Instant },
    /// A login gave nothing.
    LoginFailed(Failure),
    /// A renewal that was sent at `asked` gave this.
    Renewed { generation: Generation, renewal: Renewal, asked: Instant },
    /// A renewal gave nothing.
    Unrenewed { generation: Generation, why: Unrenewed },
    /// The server was asked for its health; `reached`: a login may succeed now.
    Probed { reached: bool },
    /// A request with the token was answered 403.
    Denied(Denial),
    /// A look-up of the token after that.
    LookedUp { generation: Generation, seen: Seen },
    /// The token has few uses left, or none.
    Used { generation: Generation, up: bool },
    /// A credential's file is another one now; `log_in`: that wants a new token at once.
    CredentialChanged { log_in: bool },
}

/// Why a login gave nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The server refused the credential.
    pub(crate) refused: bool,
    /// It was certainly not executed, and may work the next moment.
    pub(crate) again: bool,
    /// It reached no active node, and so no login was made.
    pub(crate) unreached: bool,
    /// How long the server asks to wait.
    pub(crate) after: Option<Duration>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // A credential that could not even be read was refused by nobody.
        let refused = error.kind() == ErrorKind::LoginRefused && error.status().is_some();
        let again = error.kind().semantics().retryable && error.executed() == Executed::No;
        let unreached = is_unreached(&error);
        Self { refused, again, unreached, after: error.retry_after(), error }
    }
}

/// Returns whether a request failed before it reached an active node.
pub(crate) fn is_unreached(error: &Error) -> bool {
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
pub(crate) enum Unrenewed {
    /// The token is dead.
    Dead,
    /// A policy forbids renewals.
    Forbidden,
    /// This token can't be renewed, now or later.
    Impossible,
    /// The server renewed nothing, and a login may show why.
    Refused,
    /// Nobody could be asked.
    Unasked,
    /// The request reached no active node.
    Unreached,
}

/// What a look-up showed of a token.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
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
    Renew { lease: IssuedToken, increment: Duration, within: Duration },
    /// Look this token up.
    LookUp(IssuedToken),
    /// Revoke this token: another is used.
    Revoke(Token),
    /// Tell all who asked about this generation.
    Settle { generation: Generation, seen: Seen },
}
