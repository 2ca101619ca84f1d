//! The observable state of a token source.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Generation};

use crate::login::LoginInfo;

/// The state of a token source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// There is no token, and none was requested.
    Empty,
    /// There is no usable token, and a login is in progress.
    LoggingIn,
    /// A token is in use, and no request about it is in progress.
    Active,
    /// A token is in use and is being renewed.
    Renewing,
    /// A token is in use, and the login that replaces it is in progress.
    Draining,
    /// Logins fail for another reason than the credential, and are retried. A remaining token is
    /// used.
    Degraded,
    /// The credential is refused. It is retried after 5 s, 60 s and then every 300 s, or when its
    /// file changes. A remaining token is used.
    Rejected,
    /// The source was shut down.
    Ended,
}

impl State {
    /// All states.
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

    /// Returns the name of the state in logs and metrics.
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

/// How a token is kept valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// It is renewed until it reaches its maximum TTL.
    Renewable,
    /// It is not renewed, and is replaced by a login.
    Fixed,
    /// It has a period, and can be renewed indefinitely.
    Periodic,
    /// Its expiry is not known or it has none, like a root token.
    Unlimited,
    /// It has a limited number of uses, which are counted.
    Counted,
}

/// Event counts since the source was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Successful logins.
    pub logins: u64,
    /// Successful renewals.
    pub renewals: u64,
    /// Logins and renewals that the server refused.
    pub refusals: u64,
    /// Logins and renewals without a usable response.
    pub failures: u64,
    /// Tokens that the server rejected before they expired.
    pub invalidated: u64,
}

/// The status of a token source at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The state.
    pub state: State,
    /// How the current token is kept valid. `None` if there is no token.
    pub kind: Option<TokenKind>,
    /// The generation of the last token.
    pub generation: Generation,
    /// The time for which the current token may still be used. `None` if there is no token or its
    /// expiry is not known.
    pub expires_in: Option<Duration>,
    /// What the server says about the login of the current token. `None` if there is no token.
    pub login: Option<LoginInfo>,
    /// Event counts.
    pub counts: Counts,
    /// The error of the last failed login, until a login or renewal succeeds. Set in
    /// [`State::Degraded`], [`State::Rejected`] and [`State::Ended`].
    pub error: Option<Error>,
}

impl Status {
    /// Returns a status in this state, without a token and without an error, for tests of code that
    /// processes one.
    pub fn new(state: State) -> Self {
        let snapshot = Snapshot { state, ..Snapshot::empty() };
        snapshot.status(Instant::now())
    }

    /// Returns whether there is a usable token, for a readiness probe.
    pub fn is_ready(&self) -> bool {
        self.kind.is_some() && self.expires_in.is_none_or(|left| !left.is_zero())
    }
}

/// The status that the driver publishes after each event.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) state: State,
    pub(crate) kind: Option<TokenKind>,
    pub(crate) generation: Generation,
    pub(crate) usable_until: Option<Instant>,
    pub(crate) login: Option<Arc<LoginInfo>>,
    pub(crate) counts: Counts,
    pub(crate) error: Option<Error>,
    /// Whether callers that wait for a token receive `error`.
    pub(crate) fails_waiters: bool,
}

impl Snapshot {
    /// Returns the snapshot of a driver that was not started.
    pub(crate) fn empty() -> Self {
        Self {
            state: State::Empty,
            kind: None,
            generation: Generation::default(),
            usable_until: None,
            login: None,
            counts: Counts::default(),
            error: None,
            fails_waiters: false,
        }
    }

    /// Returns the final snapshot of a driver.
    pub(crate) fn ended(last: Self, error: Error) -> Self {
        let (state, error) = (State::Ended, Some(error));
        let (kind, usable_until, login) = (None, None, None);
        Self { state, kind, usable_until, login, error, fails_waiters: true, ..last }
    }

    /// Returns the error for callers that wait for a token, unless a login may still succeed.
    pub(crate) fn error_for_waiters(&self) -> Option<Error> {
        self.error.clone().filter(|_| self.fails_waiters)
    }

    pub(crate) fn status(&self, now: Instant) -> Status {
        Status {
            state: self.state,
            kind: self.kind,
            generation: self.generation,
            expires_in: self.usable_until.map(|end| end.saturating_duration_since(now)),
            login: self.login.as_deref().cloned(),
            counts: self.counts,
            error: self.error.clone(),
        }
    }
}
