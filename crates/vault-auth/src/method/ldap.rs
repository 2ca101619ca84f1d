//! The LDAP method: <https://developer.hashicorp.com/vault/docs/auth/ldap>.

use std::path::PathBuf;

use async_trait::async_trait;
use vault_http::{ApiPath, Error};

use super::{LoginClient, Method, Userpass};
use crate::credential::Credential;
use crate::login::Login;

/// A login with a user name and a password that the server verifies against a directory.
///
/// The request is that of [`Userpass`], and so is the lockout after repeated failures. A directory
/// may lock the user out even earlier.
#[derive(Debug)]
pub struct Ldap(Userpass);

impl Ldap {
    /// Creates the method at the mount `ldap`. The user name is part of the request path.
    pub fn new(username: ApiPath, password: Credential) -> Self {
        Self(Userpass::new(username, password)).mount(ApiPath::from_static("ldap"))
    }

    /// Sets the path at which the method is mounted.
    #[must_use]
    pub fn mount(self, mount: ApiPath) -> Self {
        Self(self.0.mount(mount))
    }
}

#[async_trait]
impl Method for Ldap {
    async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
        self.0.login(client).await
    }

    fn files(&self) -> Vec<PathBuf> {
        self.0.files()
    }

    fn locks_out(&self) -> bool {
        self.0.locks_out()
    }
}
