//! TLS certificate: the connection's client certificate is the credential.

use async_trait::async_trait;
use serde::Serialize;
use vault_http::{ApiPath, Error};

use super::login_path;
use crate::method::{Link, Login, Method};

/// Logs in with the client certificate that the [`Client`](vault_http::Client) shows
/// ([`ClientBuilder::identity`](vault_http::ClientBuilder::identity)).
#[derive(Debug)]
pub struct Certificate {
    mount: ApiPath,
    role: Option<String>,
}

impl Certificate {
    /// At the mount `cert`, with a certificate role or with whichever role matches.
    pub fn new(role: Option<String>) -> Self {
        Self { mount: ApiPath::from_static("cert"), role }
    }

    /// The same with the path that the method is mounted at.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }
}

#[async_trait]
impl Method for Certificate {
    async fn login(&self, link: &Link<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            name: Option<&'a str>,
        }
        let body = Body { name: self.role.as_deref() };
        link.login(login_path(&self.mount), &body).await
    }
}
