//! JWT: a signed token of somebody else's, such as a Kubernetes service account's.

use std::path::PathBuf;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;
use vault_http::{ApiPath, Error};

use super::client::expose;
use super::client::login_path;
use super::{LoginClient, Method};
use crate::credential::{Credential, CredentialReader};
use crate::login::Login;

/// Logs in with a role and a JWT. The JWT/OIDC and the Kubernetes method take the same login.
#[derive(Debug)]
pub struct Jwt {
    mount: ApiPath,
    role: Option<String>,
    credential: CredentialReader,
}

impl Jwt {
    /// A role of the JWT method at the mount `jwt`.
    pub fn new(role: impl Into<String>, jwt: Credential) -> Self {
        Self {
            mount: ApiPath::from_static("jwt"),
            role: Some(role.into()),
            credential: CredentialReader::new(jwt),
        }
    }

    /// The role that the JWT method at the mount `jwt` has as its `default_role`.
    pub fn with_default_role(jwt: Credential) -> Self {
        let mount = ApiPath::from_static("jwt");
        Self { mount, role: None, credential: CredentialReader::new(jwt) }
    }

    /// A role of the Kubernetes method at the mount `kubernetes`, with a service account's token.
    pub fn kubernetes(role: impl Into<String>, token: Credential) -> Self {
        Self::new(role, token).mount(ApiPath::from_static("kubernetes"))
    }

    /// The same with the path that the method is mounted at.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }
}

#[async_trait]
impl Method for Jwt {
    async fn login(&self, link: &LoginClient<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            role: Option<&'a str>,
            #[serde(serialize_with = "expose")]
            jwt: SecretString,
        }
        let jwt = self.credential.read_trimmed(is_complete).await?;
        link.login(login_path(&self.mount), &Body { role: self.role.as_deref(), jwt }).await
    }

    fn files(&self) -> Vec<PathBuf> {
        self.credential.file().into_iter().collect()
    }
}

/// Three parts, and a signature as its last (RFC 7515 §3.1). That one is whole, nobody can tell.
fn is_complete(jwt: &str) -> bool {
    let parts: Vec<_> = jwt.trim().split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
}
