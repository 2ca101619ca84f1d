//! The trait through which a [`Session`](crate::Session) obtains its token.
//!
//! The crate `vault-auth` implements it with logins and renewals.

use async_trait::async_trait;

use crate::error::Error;
use crate::token::Token;

/// The number of the login that issued a token. Later logins have higher generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(u64);

impl Generation {
    /// Returns the next generation.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the number, which is 0 for the first generation.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A token and its generation.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// The generation of the token, which [`TokenSource::denied`] needs if the token is denied.
    pub generation: Generation,
}

/// A response with status 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The generation of the token that was sent.
    pub generation: Generation,
    /// Whether the response named the token as the cause
    /// ([`ErrorKind::TokenInvalid`](crate::ErrorKind::TokenInvalid)).
    pub token_invalid: bool,
}

/// The confirmed cause of a [`Denial`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialOutcome {
    /// The token was invalid and has been replaced. Send the request again with the new token.
    Replaced,
    /// The token is valid, but its policies do not permit the request.
    PathDenied,
}

/// A source of tokens, shared by all requests of a [`Session`](crate::Session).
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Returns the current token. Waits for a login only if there is no valid token.
    ///
    /// # Errors
    /// The error of the login, which all waiting callers share.
    async fn token(&self) -> Result<IssuedToken, Error>;

    /// Determines the cause of a 403, and replaces the token if it is no longer valid.
    ///
    /// Concurrent callers with tokens of the same generation share one look-up and one login.
    ///
    /// # Errors
    /// If the cause could not be determined, or the token is invalid and the login failed.
    async fn denied(&self, denial: Denial) -> Result<DenialOutcome, Error>;
}
