//! The JWT and Kubernetes methods, which accept a token signed by another party:
//! <https://developer.hashicorp.com/vault/docs/auth/jwt>.

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

/// A login with a role and a JWT. The JWT/OIDC and Kubernetes methods accept the same request.
#[derive(Debug)]
pub struct Jwt {
    mount: ApiPath,
    role: Option<String>,
    credential: CredentialReader,
}

impl Jwt {
    /// Creates the JWT method with a role, at the mount `jwt`.
    pub fn new(role: impl Into<String>, jwt: Credential) -> Self {
        Self {
            mount: ApiPath::from_static("jwt"),
            role: Some(role.into()),
            credential: CredentialReader::new(jwt),
        }
    }

    /// Creates the JWT method at the mount `jwt`, with the `default_role` that the mount is
    /// configured with.
    pub fn with_default_role(jwt: Credential) -> Self {
        let mount = ApiPath::from_static("jwt");
        Self { mount, role: None, credential: CredentialReader::new(jwt) }
    }

    /// Creates the Kubernetes method with a role and a service account token, at the mount
    /// `kubernetes`.
    pub fn kubernetes(role: impl Into<String>, token: Credential) -> Self {
        Self::new(role, token).mount(ApiPath::from_static("kubernetes"))
    }

    /// Sets the path at which the method is mounted.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }
}

#[async_trait]
impl Method for Jwt {
    async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            role: Option<&'a str>,
            #[serde(serialize_with = "expose")]
            jwt: SecretString,
        }
        let jwt = self.credential.read_trimmed(is_complete).await?;
        client.login(login_path(&self.mount), &Body { role: self.role.as_deref(), jwt }).await
    }

    fn files(&self) -> Vec<PathBuf> {
        self.credential.file().into_iter().collect()
    }
}

/// Returns whether the JWT has all three parts
/// ([RFC 7515, section 3.1](https://www.rfc-editor.org/rfc/rfc7515#section-3.1)). Whether the last
/// part, the signature, is complete cannot be recognized.
fn is_complete(jwt: &str) -> bool {
    let parts: Vec<_> = jwt.trim().split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
}
