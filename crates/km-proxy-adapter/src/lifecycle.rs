//! Logging in ahead of the first key, again with other credentials, and for the last time; and whether
//! Vault answers.

use vault_auth::OnShutdown;
use vault_http::{Deadline, Error as HttpError, ErrorKind as Http};

use crate::check::CheckStatus;
use crate::error::Error;
use crate::error::convert as explain;
use crate::key_manager::KeyManager;

impl KeyManager {
    /// Waits for a login, or for the one that there is.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`](crate::ErrorKind::Auth) when it is refused; else why it could not be made within
    /// the deadline of an operation.
    pub async fn login(&self) -> Result<(), Error> {
        self.login_by(self.parts().link.session.deadline()).await
    }

    /// The same within this deadline.
    pub(crate) async fn login_by(&self, deadline: Deadline) -> Result<(), Error> {
        let token = deadline.bound(self.parts().link.tokens.token()).await;
        let token = token.unwrap_or_else(|| Err(HttpError::new(Http::Timeout, "log in")));
        token.map(drop).map_err(|error| explain::http("log in", error))
    }

    /// Whether there is a login and a server that answers.
    ///
    /// # Errors
    /// Why not.
    pub async fn probe(&self) -> Result<(), Error> {
        self.login().await?;
        match self.check_server().await.status {
            CheckStatus::Failed(error) => Err(error),
            CheckStatus::Ok | CheckStatus::Warning(_) => Ok(()),
        }
    }

    /// Reads the credentials again: the next request logs in with what the files and the settings
    /// hold by then. Values in memory stay.
    pub fn reload_credentials(&self) {
        self.parts().link.auth.reload();
    }

    /// Ends the login, for this one and its clones: the token is revoked, unless it was given, which
    /// takes two seconds at most. What needs Vault from then on fails.
    pub async fn shutdown(&self) {
        self.parts().link.auth.shutdown(OnShutdown::Revoke).await;
    }
}
