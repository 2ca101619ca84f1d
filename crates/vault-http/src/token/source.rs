//! The port through which a request gets its token. `vault-auth` implements it.

use async_trait::async_trait;

use crate::error::Error;
use crate::token::Token;

/// Which login a token came from. Later logins have higher generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(u64);

impl Generation {
    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// How many came before the first and this one.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A token to send now, and the generation that it belongs to.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// Its generation, to be told to [`TokenSource::denied`] when it is refused.
    pub generation: Generation,
}

/// A 403 that a request was answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The generation of the token that was sent.
    pub generation: Generation,
    /// Whether the answer named the token as the cause ([`ErrorKind::TokenInvalid`](crate::ErrorKind)).
    pub token_invalid: bool,
}

/// What a [`Denial`] came down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialOutcome {
    /// There is another token than the one that was sent: send the request once more.
    Replaced,
    /// The token lives; it is the path that is denied.
    PathDenied,
}

/// Where tokens come from.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// The token to send now. Waits for a login only when there is no usable token.
    ///
    /// # Errors
    /// The outcome of the login, shared by all who waited for it.
    async fn token(&self) -> Result<IssuedToken, Error>;

    /// Settles what a 403 means, once for all callers with that generation: whether the token is
    /// dead, and if so, replaces it.
    ///
    /// # Errors
    /// When it could not be settled, or the token is dead and no login gives another.
    async fn denied(&self, denial: Denial) -> Result<DenialOutcome, Error>;
}
