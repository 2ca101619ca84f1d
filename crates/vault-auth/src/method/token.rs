//! Token: no login at all, somebody else made the token.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::SecretString;
use vault_http::{Error, ErrorKind, Token};

use super::{LoginClient, Method};
use crate::credential::{Credential, CredentialReader};
use crate::login::Login;

/// A token that somebody else made. From a file, it is read again when the file changes, and when
/// the last one is dead.
#[derive(Debug)]
pub struct StaticToken {
    credential: CredentialReader,
    looked_up: bool,
    /// The last token that turned out to have a number of uses: it is not looked up again.
    counted: Mutex<Option<Login>>,
}

impl StaticToken {
    /// The token, or the file that holds it, used as it is: nothing is asked of the server, so that
    /// a token with one use left keeps it. Its end is not known, and it is not renewed.
    pub fn new(token: Credential) -> Self {
        Self {
            credential: CredentialReader::new(token),
            looked_up: false,
            counted: Mutex::default(),
        }
    }

    /// The same for a program that lives longer than the token may: it is looked up before it is
    /// used, so that it is renewed where that can be, and its end is known. That costs a request,
    /// and a use of a token that has a number of them.
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
    async fn login(&self, link: &LoginClient<'_>) -> Result<Login, Error> {
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
        let login = link.look_up(token).await?;
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
