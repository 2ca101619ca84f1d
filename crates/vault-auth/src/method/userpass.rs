//! The userpass method: <https://developer.hashicorp.com/vault/docs/auth/userpass>.

use std::path::PathBuf;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;
use vault_http::{ApiPath, Error};

use super::client::expose;
use super::client::login_path;
use super::{LoginClient, Method};
use crate::credential::{Credential, CredentialReader, accept_any};
use crate::login::Login;

/// A login with a user name and a password.
#[derive(Debug)]
pub struct Userpass {
    mount: ApiPath,
    username: ApiPath,
    password: CredentialReader,
}

impl Userpass {
    /// Creates the method at the mount `userpass`. The user name is part of the request path.
    pub fn new(username: ApiPath, password: Credential) -> Self {
        let (mount, password) = (ApiPath::from_static("userpass"), CredentialReader::new(password));
        Self { mount, username, password }
    }

    /// Sets the path at which the method is mounted.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }
}

#[async_trait]
impl Method for Userpass {
    async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body {
            #[serde(serialize_with = "expose")]
            password: SecretString,
        }
        let password = self.password.read(accept_any).await?;
        client.login(login_path(&self.mount).join(&self.username), &Body { password }).await
    }

    fn files(&self) -> Vec<PathBuf> {
        self.password.file().into_iter().collect()
    }

    fn locks_out(&self) -> bool {
        true
    }
}
