//! Token: no login at all, somebody else made the token.

use async_trait::async_trait;
use vault_http::{Error, Kind, Token};

use crate::credential::Credential;
use crate::method::{Link, Login, Method};

/// A token that is used as it is. From a file, it is read again when the last one is dead.
#[derive(Debug)]
pub struct StaticToken(Credential);

impl StaticToken {
    /// The token, or the file that holds it.
    pub fn new(token: Credential) -> Self {
        Self(token)
    }
}

#[async_trait]
impl Method for StaticToken {
    /// Sends nothing, so that a token with one use left keeps it.
    async fn login(&self, _: &Link<'_>) -> Result<Login, Error> {
        let token = Token::new(&self.0.read_trimmed().await?)
            .map_err(|error| Error::new(Kind::LoginRefused, "read the token").with_source(error))?;
        Ok(Login { token, lease: None })
    }
}
