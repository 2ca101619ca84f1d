//! A token that was created elsewhere, so that no login is made.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::SecretString;
use vault_http::env::{self, EnvError};
use vault_http::{Error, ErrorKind, Token};

use super::{LoginClient, Method};
use crate::credential::variable::of_the_process;
use crate::credential::{Credential, CredentialReader};
use crate::login::Login;

/// The file in which `vault login` stores the token.
const TOKEN_FILE: &str = ".vault-token";

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

    /// Creates the method with the token that the programs `vault` and `bao` would use, by the
    /// conventions of [`vault_http::env`]: that of a variable, or else that of the file to which
    /// `vault login` writes. A variable is read now, and the file at each login.
    ///
    /// # Errors
    /// [`EnvError`] if there is no token, or it is not valid.
    pub fn from_env() -> Result<Self, EnvError> {
        Self::from_variables(of_the_process)
    }

    /// Like [`from_env`](Self::from_env), with the variables that `lookup` returns.
    ///
    /// # Errors
    /// As for [`from_env`](Self::from_env).
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, EnvError> {
        let token = env::token(&lookup)?;
        let home = lookup("HOME").filter(|_| env::find(&lookup, "TOKEN").is_none());
        Ok(Self::new(match home {
            Some(home) => Credential::File(PathBuf::from(home).join(TOKEN_FILE)),
            None => Credential::Value(token.expose().into()),
        }))
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

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// The lookup itself is that of `vault_http::env`.
    #[tokio::test]
    async fn token_of_a_file_is_followed_and_that_of_a_variable_is_fixed() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(TOKEN_FILE);
        let find = |variable: &'static str| {
            let home = home.path().as_os_str().to_owned();
            StaticToken::from_variables(move |name| match name {
                "HOME" => Some(home.clone()),
                "VAULT_TOKEN" => Some(variable.into()),
                _ => None,
            })
        };
        let read = async |method: &StaticToken| {
            let token = method.credential.read_trimmed(is_complete).await.unwrap();
            token.expose_secret().to_owned()
        };
        assert!(find("").is_err());
        std::fs::write(&file, "of-the-file\n").unwrap();
        let followed = find("").unwrap();
        assert_eq!(
            (read(&followed).await, followed.files()),
            ("of-the-file".into(), vec![file.clone()])
        );
        std::fs::write(&file, "of-a-new-login\n").unwrap();
        assert_eq!(read(&followed).await, "of-a-new-login");
        let fixed = find("of-the-variable").unwrap();
        assert_eq!((read(&fixed).await, fixed.files()), ("of-the-variable".into(), vec![]));
    }
}
