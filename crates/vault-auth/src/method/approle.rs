//! The AppRole method: <https://developer.hashicorp.com/vault/docs/auth/approle>.

use std::path::PathBuf;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;
use vault_http::{ApiPath, Error};

use super::client::login_path;
use super::client::{Exposed, expose};
use super::wrapping::WrappedSecretId;
use super::{LoginClient, Method};
use crate::credential::{Credential, CredentialReader, accept_any};
use crate::login::Login;

/// A login with a role ID and, unless the role needs none, a secret ID.
#[derive(Debug)]
pub struct AppRole {
    mount: ApiPath,
    role_id: CredentialReader,
    secret_id: SecretId,
}

#[derive(Debug)]
enum SecretId {
    /// The role has `bind_secret_id=false`.
    None,
    Plain(CredentialReader),
    Wrapped(WrappedSecretId),
}

impl AppRole {
    /// Creates the method with a secret ID, at the mount `approle`.
    pub fn new(role_id: Credential, secret_id: Credential) -> Self {
        Self {
            mount: ApiPath::from_static("approle"),
            role_id: CredentialReader::new(role_id),
            secret_id: SecretId::Plain(CredentialReader::new(secret_id)),
        }
    }

    /// Creates the method at the mount `approle` for a role that needs no secret ID
    /// (`bind_secret_id=false`), for example because it is bound to IP addresses.
    pub fn without_secret_id(role_id: Credential) -> Self {
        let mount = ApiPath::from_static("approle");
        Self { mount, role_id: CredentialReader::new(role_id), secret_id: SecretId::None }
    }

    /// Sets the path at which the method is mounted.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }

    /// Treats the secret ID as a response-wrapping token, which is unwrapped once. Its creation
    /// path is verified first.
    #[must_use]
    pub fn wrapped(mut self) -> Self {
        if let SecretId::Plain(token) = self.secret_id {
            self.secret_id = SecretId::Wrapped(WrappedSecretId::new(token));
        }
        self
    }
}

#[async_trait]
impl Method for AppRole {
    async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body {
            #[serde(serialize_with = "expose")]
            role_id: SecretString,
            #[serde(skip_serializing_if = "Option::is_none")]
            secret_id: Option<Exposed>,
        }
        let role_id = self.role_id.read_trimmed(accept_any).await?;
        let secret_id = match &self.secret_id {
            SecretId::None => None,
            SecretId::Plain(credential) => Some(credential.read_trimmed(accept_any).await?),
            SecretId::Wrapped(wrapped) => Some(wrapped.secret_id(client, &self.mount).await?),
        };
        let body = Body { role_id, secret_id: secret_id.map(Exposed) };
        client.login(login_path(&self.mount), &body).await
    }

    fn files(&self) -> Vec<PathBuf> {
        let secret_id = match &self.secret_id {
            SecretId::None => None,
            SecretId::Plain(credential) => credential.file(),
            SecretId::Wrapped(wrapped) => wrapped.file(),
        };
        self.role_id.file().into_iter().chain(secret_id).collect()
    }

    /// Returns `false` for a wrapped secret ID, because a login consumes the wrapping token.
    fn is_repeatable(&self) -> bool {
        !matches!(self.secret_id, SecretId::Wrapped(_))
    }

    fn locks_out(&self) -> bool {
        true
    }
}
