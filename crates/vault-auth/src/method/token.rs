//! A token that was created elsewhere, so that no login is made.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::SecretString;
use vault_http::{Error, ErrorKind, Token};

use super::{LoginClient, Method};
use crate::credential::{Credential, CredentialReader};
use crate::login::Login;

/// A token that was created elsewhere.
///
/// A token file is read again when it changes, and when the last token is dead.
#[derive(Debug)]
pub struct StaticToken {
    credential: CredentialReader,
    looked_up: bool,
    /// The last token that turned out to be use-limited. It is not looked up again.
    counted: Mutex<Option<Login>>,
}

impl StaticToken {
    /// Creates the method with a token that is used without a request to the server, so that a
    /// token with one use keeps it. Its expiry is not known, and it is not renewed.
    pub fn new(token: Credential) -> Self {
        Self {
            credential: CredentialReader::new(token),
            looked_up: false,
            counted: Mutex::default(),
        }
    }

    /// Looks the token up before it is used, so that its expiry is known and it is renewed if
    /// possible.
    ///
    /// Use this in programs that may outlive the token. It takes a request, and one use of a
    /// use-limited token.
    #[must_use]
    pub fn with_lookup(mut self) -> Self {
        self.looked_up = true;
        self
    }
}

impl StaticToken {
    fn counted(&self) -> MutexGuard<'_, Option<Login>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Method for StaticToken {
    async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
        let text = self.credential.read_trimmed(is_complete).await?;
        let token = Token::new(&text).map_err(|error| {
            Error::new(ErrorKind::LoginRefused, "read the token").with_source(error)
        })?;
        if !self.looked_up {
            return Ok(Login::new(token));
        }
        let same = |counted: &&Login| counted.token.expose() == token.expose();
        if let Some(counted) = self.counted().as_ref().filter(same) {
            return Ok(counted.clone());
        }
        let login = client.look_up(token).await?;
        *self.counted() = login.uses.map(|_| login.clone());
        Ok(login)
    }

    fn files(&self) -> Vec<PathBuf> {
        self.credential.file().into_iter().collect()
    }

    fn logs_in_on_file_change(&self) -> bool {
        true
    }

    fn is_repeatable(&self) -> bool {
        false
    }
}

fn is_complete(text: &str) -> bool {
    Token::new(&SecretString::from(text)).is_ok()
}
