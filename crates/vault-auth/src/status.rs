//! What a token source tells of itself: a value to ask for.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Generation};

/// Where the life of the token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// There is no token, and nobody has asked for one.
    Empty,
    /// There is no usable token; a login is under way.
    LoggingIn,
    /// A token is used, and nothing is to be done now.
    Active,
    /// A token is used, and is being renewed.
    Renewing,
    /// A token is used; a login is under way for the one that takes its place.
    Draining,
    /// No login can be made at present; it is tried again. A token that is left is used.
    Degraded,
    /// The credential is refused; it is tried again after 5, 60 and then each 300 s, or when its file
    /// changes. A token that is left is used.
    Rejected,
    /// It was shut down.
    Ended,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::LoggingIn,
        Self::Active,
        Self::Renewing,
        Self::Draining,
        Self::Degraded,
        Self::Rejected,
        Self::Ended,
    ];

    /// One word for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::LoggingIn => "logging_in",
            Self::Active => "active",
            Self::Renewing => "renewing",
            Self::Draining => "draining",
            Self::Degraded => "degraded",
            Self::Rejected => "rejected",
            Self::Ended => "ended",
        }
    }
}

/// What a token needs to live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// It is renewed, until it reaches its greatest age.
    Renewable,
    /// It is not renewed: a login takes its place.
    Fixed,
    /// It is renewed for ever.
    Periodic,
    /// No end of it is known, as with a root token.
    Unlimited,
    /// It has a number of uses, which are counted here.
    Counted,
}

/// How often what has happened since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Logins that gave a token.
    pub logins: u64,
    /// Renewals that gave a lease.
    pub renewals: u64,
    /// Logins and renewals that the server said no to.
    pub refusals: u64,
    /// Logins and renewals for which nobody could be asked.
    pub failures: u64,
    /// Tokens that turned out to be dead before their end.
    pub invalidated: u64,
}

/// A token source as it was at a moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// Where the token's life stands.
    pub state: State,
    /// What the token in use needs to live on; `None`: there is none.
    pub kind: Option<TokenKind>,
    /// The generation of the last token.
    pub generation: Generation,
    /// How long the token in use may be used still; `None`: there is none, or no end is known.
    pub expires_in: Option<Duration>,
    /// What has happened so far.
    pub counts: Counts,
    /// Why there is trouble ([`State::Degraded`], [`State::Rejected`]).
    pub error: Option<Error>,
}

impl Status {
    /// Whether a request that is made now has a token to carry: readiness, for a probe.
    pub fn is_ready(&self) -> bool {
        self.kind.is_some() && self.expires_in.is_none_or(|left| !left.is_zero())
    }
}

/// What the driver publishes after each step.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) state: State,
    pub(crate) kind: Option<TokenKind>,
    pub(crate) generation: Generation,
    pub(crate) usable_until: Option<Instant>,
    pub(crate) counts: Counts,
    pub(crate) error: Option<Error>,
    /// Whether those who wait for a token are told that error.
    pub(crate) fails_waiters: bool,
}

impl Snapshot {
    /// Before anything happened.
    pub(crate) fn empty() -> Self {
        Self {
            state: State::Empty,
            kind: None,
            generation: Generation::default(),
            usable_until: None,
            counts: Counts::default(),
            error: None,
            fails_waiters: false,
        }
    }

    /// After the end.
    pub(crate) fn ended(last: Self, error: Error) -> Self {
        let (state, error) = (State::Ended, Some(error));
        Self { state, kind: None, usable_until: None, error, fails_waiters: true, ..last }
    }

    /// The error for those who wait for a token, if there is nothing to wait for.
    pub(crate) fn error_for_waiters(&self) -> Option<Error> {
        self.error.clone().filter(|_| self.fails_waiters)
    }

    pub(crate) fn status(&self, now: Instant) -> Status {
        Status {
            state: self.state,
            kind: self.kind,
            generation: self.generation,
            expires_in: self.usable_until.map(|end| end.saturating_duration_since(now)),
            counts: self.counts,
            error: self.error.clone(),
        }
    }
}
