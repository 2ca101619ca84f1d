//! AppRole: a role id and a secret id, at a mount of its own.

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

/// Logs in with a role id and a secret id.
#[derive(Debug)]
pub struct AppRole {
    mount: ApiPath,
    role_id: CredentialReader,
    secret_id: SecretId,
}

#[derive(Debug)]
enum SecretId {
    /// The role asks for none.
    None,
    Plain(CredentialReader),
    Wrapped(WrappedSecretId),
}

impl AppRole {
    /// A role at the mount `approle`.
    pub fn new(role_id: Credential, secret_id: Credential) -> Self {
        Self {
            mount: ApiPath::from_static("approle"),
            role_id: CredentialReader::new(role_id),
            secret_id: SecretId::Plain(CredentialReader::new(secret_id)),
        }
    }

    /// A role at the mount `approle` that has no secret ID (`bind_secret_id=false`), because it is
    /// bound to addresses, for instance.
    pub fn without_secret_id(role_id: Credential) -> Self {
        let mount = ApiPath::from_static("approle");
        Self { mount, role_id: CredentialReader::new(role_id), secret_id: SecretId::None }
    }

    /// The same with the path that the method is mounted at.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }

    /// Takes the secret id for a response-wrapping token: its creation path is checked, then it is
    /// unwrapped, once.
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
    async fn login(&self, link: &LoginClient<'_>) -> Result<Login, Error> {
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
            SecretId::Wrapped(wrapped) => Some(wrapped.secret_id(link, &self.mount).await?),
        };
        let body = Body { role_id, secret_id: secret_id.map(Exposed) };
        link.login(login_path(&self.mount), &body).await
    }

    fn files(&self) -> Vec<PathBuf> {
        let secret_id = match &self.secret_id {
            SecretId::None => None,
            SecretId::Plain(credential) => credential.file(),
            SecretId::Wrapped(wrapped) => wrapped.file(),
        };
        self.role_id.file().into_iter().chain(secret_id).collect()
    }

    /// A wrapping token is spent by the login that unwraps it.
    fn is_repeatable(&self) -> bool {
        !matches!(self.secret_id, SecretId::Wrapped(_))
    }

    fn locks_out(&self) -> bool {
        true
    }
}
