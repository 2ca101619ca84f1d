//! Login methods. Each one turns a credential into a token with one or more requests.
//!
//! A method only performs a single login. When to log in, and what to do about a failure, is
//! decided by the [token machine](crate::machine).

mod approle;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod aws_credentials;
mod cert;
mod client;
mod jwt;
mod ldap;
#[cfg(feature = "aws")]
mod sigv4;
mod token;
mod userpass;
mod wrapping;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use vault_http::Error;

use crate::login::Login;

pub use approle::AppRole;
#[cfg(feature = "aws")]
pub use aws::AwsIam;
#[cfg(feature = "aws")]
pub use aws_credentials::AwsCredentials;
pub use cert::Certificate;
pub use client::LoginClient;
pub use jwt::Jwt;
pub use ldap::Ldap;
pub use token::StaticToken;
pub use userpass::Userpass;

/// A login method. Implement it to add a method of your own.
///
/// ```
/// use vault_auth::vault_http::{ApiPath, Error};
/// use vault_auth::{Login, LoginClient, Method, async_trait};
///
/// /// The method of a plugin that trusts the machine it is called from.
/// #[derive(Debug)]
/// struct Machine;
///
/// #[async_trait]
/// impl Method for Machine {
///     async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
///         let body = serde_json::json!({ "role": "gateway" });
///         client.login(ApiPath::from_static("auth/machine/login"), &body).await
///     }
/// }
/// ```
#[async_trait]
pub trait Method: fmt::Debug + Send + Sync + 'static {
    /// Logs in once with the current credential. The future may be dropped at any point.
    ///
    /// # Errors
    /// Return [`ErrorKind::LoginRefused`](vault_http::ErrorKind::LoginRefused) if the server
    /// refuses the credential. The login is then retried much less often than after any other kind.
    async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error>;

    /// Returns the files that the credential is read from. A failed login is retried when one of
    /// them changes.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Returns whether a change of the files starts a login even if the current token is valid.
    ///
    /// This is appropriate if a file contains the token itself.
    fn logs_in_on_file_change(&self) -> bool {
        false
    }

    /// Returns whether a login can be made at any time.
    ///
    /// Return `false` if a login consumes the credential, or if the credential is the token itself.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Returns whether the server locks out a role or a user after repeated failures.
    ///
    /// If so, at most three logins may fail in 15 minutes.
    fn locks_out(&self) -> bool {
        false
    }
}

/// Implements [`Method`] for a pointer to a method, so that the method can be chosen at run time.
macro_rules! for_pointer {
    ($pointer:ident) => {
        #[async_trait]
        impl<M: Method + ?Sized> Method for $pointer<M> {
            async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
                (**self).login(client).await
            }

            fn files(&self) -> Vec<PathBuf> {
                (**self).files()
            }

            fn logs_in_on_file_change(&self) -> bool {
                (**self).logs_in_on_file_change()
            }

            fn is_repeatable(&self) -> bool {
                (**self).is_repeatable()
            }

            fn locks_out(&self) -> bool {
                (**self).locks_out()
            }
        }
    };
}

for_pointer!(Box);
for_pointer!(Arc);
