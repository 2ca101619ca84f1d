//! A token that is never replaced.

use async_trait::async_trait;

use super::Token;
use super::source::{Denial, DenialOutcome, Generation, IssuedToken, TokenSource};
use crate::error::Error;

/// A [`TokenSource`] of one token, which it neither renews nor replaces.
///
/// A 403 is reported as the server sent it, because without a look-up the cause is not known: the
/// error of a [`Session`](crate::Session) has the kind
/// [`TokenInvalid`](crate::ErrorKind::TokenInvalid) if the response names the token as the cause, as
/// Vault's do. OpenBao does not name it; there a dead token is
/// [`Forbidden`](crate::ErrorKind::Forbidden).
///
/// For a token that must be renewed, use `StaticToken` of the crate `vault-auth`.
///
/// ```
/// use vault_http::{Address, Client, FixedToken, Plaintext, Session, Token};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let address = Address::parse("https://vault.example.com:8200", Plaintext::LoopbackOnly)?;
/// let client = Client::builder(address).build()?;
/// let token = Token::new(&"hvs.CAES…".into())?;
/// let session = Session::new(client, FixedToken::new(token));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FixedToken(Token);

impl FixedToken {
    /// Creates a source that always returns `token`.
    pub fn new(token: Token) -> Self {
        Self(token)
    }
}

#[async_trait]
impl TokenSource for FixedToken {
    async fn token(&self) -> Result<IssuedToken, Error> {
        Ok(IssuedToken::new(self.0.clone(), Generation::default()))
    }

    async fn denied(&self, _: Denial) -> Result<DenialOutcome, Error> {
        Ok(DenialOutcome::Unconfirmed)
    }
}
