//! A token that was created elsewhere, so that no login is made.

use std::env::home_dir;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use vault_http::{Error, ErrorKind, Token};

use super::{LoginClient, Method};
use crate::credential::variable::Variables;
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

    /// Creates the method with the token that the command line of Vault or OpenBao would use: that
    /// of `VAULT_TOKEN` or `BAO_TOKEN`, or else the file `.vault-token` in the home directory, to
    /// which `vault login` writes.
    ///
    /// The variables are read now, and the file at each login.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if there is neither a variable nor a file, if both variables are
    /// set and differ, or if one is not UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(&Variables::of_the_process(), home_dir().as_deref())
    }

    fn from_variables(variables: &Variables, home: Option<&Path>) -> Result<Self, Error> {
        let failed =
            |detail| Error::new(ErrorKind::LoginRefused, "find a token").with_detail(detail);
        let (vault, bao) = (variables.get("VAULT_TOKEN")?, variables.get("BAO_TOKEN")?);
        if let (Some(vault), Some(bao)) = (&vault, &bao)
            && vault.expose_secret() != bao.expose_secret()
        {
            return Err(failed("VAULT_TOKEN and BAO_TOKEN differ; unset one of them"));
        }
        if let Some(token) = vault.or(bao) {
            return Ok(Self::new(Credential::Value(token)));
        }
        let file = home.map(|home| home.join(".vault-token")).filter(|file| file.is_file());
        let missing = "set VAULT_TOKEN or BAO_TOKEN, or log in with `vault login`";
        file.map(|file| Self::new(Credential::File(file))).ok_or_else(|| failed(missing))
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
    use super::*;

    #[tokio::test]
    async fn token_is_found_in_a_variable_or_else_in_the_file_of_the_command_line() {
        let home = tempfile::tempdir().unwrap();
        let find = async |variables| {
            let method =
                StaticToken::from_variables(&Variables::of_a_test(variables), Some(home.path()));
            let method = method.map_err(|error| error.detail().to_owned())?;
            let token = method.credential.read_trimmed(is_complete).await.unwrap();
            Ok::<_, String>(token.expose_secret().to_owned())
        };
        let missing = "set VAULT_TOKEN or BAO_TOKEN, or log in with `vault login`";
        assert_eq!(find(&[]).await.unwrap_err(), missing);
        std::fs::write(home.path().join(".vault-token"), "of-the-file\n").unwrap();
        assert_eq!(find(&[("VAULT_TOKEN", "")]).await.unwrap(), "of-the-file");
        assert_eq!(find(&[("VAULT_TOKEN", "of-vault")]).await.unwrap(), "of-vault");
        assert_eq!(find(&[("BAO_TOKEN", "of-bao")]).await.unwrap(), "of-bao");
        let both = find(&[("VAULT_TOKEN", "same"), ("BAO_TOKEN", "same")]).await;
        assert_eq!(both.unwrap(), "same");
        let differ = find(&[("VAULT_TOKEN", "of-vault"), ("BAO_TOKEN", "of-bao")]).await;
        assert_eq!(differ.unwrap_err(), "VAULT_TOKEN and BAO_TOKEN differ; unset one of them");
    }
}
