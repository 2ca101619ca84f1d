//! JWT: a signed token of somebody else's, such as a Kubernetes service account's.

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;
use vault_http::{ApiPath, Error};

use super::login_path;
use crate::credential::Credential;
use crate::method::{Link, Login, Method, expose};

/// Logs in with a role and a JWT. The JWT/OIDC and the Kubernetes method take the same login.
#[derive(Debug)]
pub struct Jwt {
    mount: ApiPath,
    role: String,
    credential: Credential,
}

impl Jwt {
    /// A role of the JWT method at the mount `jwt`.
    pub fn new(role: impl Into<String>, jwt: Credential) -> Self {
        Self { mount: ApiPath::from_static("jwt"), role: role.into(), credential: jwt }
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
    async fn login(&self, link: &Link<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            role: &'a str,
            #[serde(serialize_with = "expose")]
            jwt: SecretString,
        }
        let jwt = self.credential.read_trimmed().await?;
        link.login(login_path(&self.mount), &Body { role: &self.role, jwt }).await
    }
}
