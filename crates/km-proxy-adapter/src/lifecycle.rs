//! The login, the readiness probe, the check and the shutdown of a [`KeyManager`].

use vault_auth::OnShutdown;

use crate::check::result::{CheckResult, CheckStatus};
use crate::check::secrets::{self, SecretCheck};
use crate::check::{self, steps};
use crate::error::Error;
use crate::key_manager::KeyManager;

impl KeyManager {
    /// Logs in, unless there is a valid token already.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] if the login is refused, [`ErrorKind::Unavailable`] if it does not
    /// succeed within the deadline of an operation.
    ///
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn login(&self) -> Result<(), Error> {
        let connection = &self.inner().connection;
        connection.login(connection.session.deadline()).await
    }

    /// Checks that there is a login and that the server responds and is unsealed.
    ///
    /// # Errors
    /// As [`login`](Self::login), and [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if
    /// the server is not ready.
    pub async fn probe(&self) -> Result<(), Error> {
        self.login().await?;
        match steps::server(self.inner()).await.status {
            CheckStatus::Failed(error) => Err(error),
            CheckStatus::Ok | CheckStatus::Warning(_) | CheckStatus::Skipped => Ok(()),
        }
    }

    /// Checks the settings, the server, the login, the mount and the capabilities of the token, in
    /// this order. The steps that depend on a failed one are skipped. Writes nothing and reads no
    /// secret.
    pub async fn check(&self) -> Vec<CheckResult> {
        check::run(self.inner()).await
    }

    /// Reads every name that the configuration references or hosts, 64 at a time, and returns what
    /// may be wrong with its value. The results contain no value. They are in the order of the
    /// configuration.
    pub async fn check_secrets(&self) -> Vec<SecretCheck> {
        secrets::run(self.inner()).await
    }

    /// Reloads the credentials: the next request logs in with the current content of their files.
    /// Cached values are kept.
    pub fn reload_credentials(&self) {
        self.inner().connection.auth.reload();
    }

    /// Ends the login of this key manager and its clones. A token that was obtained by a login is
    /// revoked, which takes two seconds at most. Later requests to Vault fail.
    pub async fn shutdown(&self) {
        self.inner().connection.auth.shutdown(OnShutdown::Revoke).await;
    }
}
