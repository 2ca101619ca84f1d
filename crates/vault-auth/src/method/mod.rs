//! The login methods, one file each.

mod approle;
mod cert;
mod client;
mod jwt;
mod token;
mod userpass;
mod wrapping;

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use vault_http::Error;

use crate::login::Login;

pub use approle::AppRole;
pub use cert::Certificate;
pub use client::LoginClient;
pub use jwt::Jwt;
pub use token::StaticToken;
pub use userpass::Userpass;

/// A way to log in. A program may bring its own: it is one implementation of this trait.
///
/// ```
/// use vault_auth::{Login, LoginClient, Method};
/// use vault_http::{ApiPath, Error};
///
/// /// The method of a plugin that trusts the machine it is called from.
/// #[derive(Debug)]
/// struct Machine;
///
/// #[async_trait::async_trait]
/// impl Method for Machine {
///     async fn login(&self, link: &LoginClient<'_>) -> Result<Login, Error> {
///         let body = serde_json::json!({ "role": "gateway" });
///         link.login(ApiPath::from_static("auth/machine/login"), &body).await
///     }
/// }
/// ```
#[async_trait]
pub trait Method: fmt::Debug + Send + Sync + 'static {
    /// Logs in once, with the credential as it is now. It may be dropped at any point.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] when the credential is not accepted; any other kind when nobody could
    /// be asked.
    async fn login(&self, link: &LoginClient<'_>) -> Result<Login, Error>;

    /// The files that the credential is read from. A login that can't be made is tried again when
    /// one of them changes.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Whether a change of the files wants another token at once, while the last one still works:
    /// so for a token file, which holds the token itself.
    fn logs_in_on_file_change(&self) -> bool {
        false
    }

    /// Whether another login can be made at any time. `false` if a login uses the credential up, or
    /// if the credential is the token itself.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Whether the server locks out a role or a user after a number of failed logins. At most three
    /// are then made in 15 minutes.
    fn locks_out(&self) -> bool {
        false
    }
}
