//! The trait through which a [`Session`](crate::Session) obtains its token.
//!
//! The crate `vault-auth` implements it with logins and renewals, and
//! [`FixedToken`](crate::FixedToken) with one token.

use std::pin::Pin;
use std::sync::Arc;

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
#[non_exhaustive]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// The generation of the token, which [`TokenSource::denied`] needs if the token is denied.
    pub generation: Generation,
}

impl IssuedToken {
    /// Creates the token of the login with this generation.
    pub fn new(token: Token, generation: Generation) -> Self {
        Self { token, generation }
    }
}

/// A response with status 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// The generation of the token that was sent.
    pub generation: Generation,
    /// Whether the response named the token as the cause
    /// ([`ErrorKind::TokenInvalid`](crate::ErrorKind::TokenInvalid)).
    pub token_invalid: bool,
}

impl Denial {
    /// Creates the denial of a request that carried the token of this generation.
    pub const fn new(generation: Generation, token_invalid: bool) -> Self {
        Self { generation, token_invalid }
    }
}

/// The cause of a [`Denial`], as far as the [`TokenSource`] could determine it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DenialOutcome {
    /// The token was invalid and has been replaced. Send the request again with the new token.
    Replaced,
    /// The token is valid, but its policies do not permit the request.
    PathDenied,
    /// The source can neither confirm the cause nor replace the token. Report the error of the
    /// response as it is.
    Unconfirmed,
}

/// A source of tokens, shared by all requests of a [`Session`](crate::Session).
///
/// Implement it with the attribute [`async_trait`](macro@crate::async_trait), which this crate
/// re-exports.
///
/// ```
/// use vault_http::{
///     Denial, DenialOutcome, Error, Generation, IssuedToken, Token, TokenSource, async_trait,
/// };
///
/// /// The latest token that another task has obtained.
/// struct Latest(tokio::sync::watch::Receiver<Token>);
///
/// #[async_trait]
/// impl TokenSource for Latest {
///     async fn token(&self) -> Result<IssuedToken, Error> {
///         Ok(IssuedToken::new(self.0.borrow().clone(), Generation::default()))
///     }
///
///     async fn denied(&self, _: Denial) -> Result<DenialOutcome, Error> {
///         Ok(DenialOutcome::Unconfirmed)
///     }
/// }
/// ```
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Returns the current token. Waits for a login only if there is no valid token.
    ///
    /// # Errors
    /// The error of the login, which all waiting callers share.
    async fn token(&self) -> Result<IssuedToken, Error>;

    /// Determines the cause of a 403, and replaces the token if it is no longer valid. A source that
    /// cannot do so returns [`DenialOutcome::Unconfirmed`].
    ///
    /// Concurrent callers with tokens of the same generation share one look-up and one login.
    ///
    /// # Errors
    /// If the cause could not be determined, or the token is invalid and the login failed.
    async fn denied(&self, denial: Denial) -> Result<DenialOutcome, Error>;
}

/// A boxed future of [`TokenSource`].
type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Implements [`TokenSource`] for a pointer. The future of the pointee is returned as it is, without
/// another allocation.
macro_rules! forward {
    ($pointer:ident) => {
        impl<S: TokenSource + ?Sized> TokenSource for $pointer<S> {
            fn token<'a, 'b>(&'a self) -> Boxed<'b, IssuedToken>
            where
                'a: 'b,
                Self: 'b,
            {
                (**self).token()
            }

            fn denied<'a, 'b>(&'a self, denial: Denial) -> Boxed<'b, DenialOutcome>
            where
                'a: 'b,
                Self: 'b,
            {
                (**self).denied(denial)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
