//! TLS certificate: the connection's client certificate is the credential.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use vault_http::{ApiPath, Error};

use super::login_path;
use crate::files::{Stamps, stamps};
use crate::login::Login;
use crate::method::{Link, Method};

/// Logs in with the client certificate that the [`Client`](vault_http::Client) shows
/// ([`ClientBuilder::identity_files`](vault_http::ClientBuilder::identity_files)).
#[derive(Debug)]
pub struct Certificate {
    mount: ApiPath,
    role: Option<String>,
    files: Vec<PathBuf>,
    /// The files as they were at the last login.
    shown: Mutex<Option<Stamps>>,
}

impl Certificate {
    /// At the mount `cert`, with a certificate role or with whichever role matches.
    pub fn new(role: Option<String>) -> Self {
        let (mount, files) = (ApiPath::from_static("cert"), Vec::new());
        Self { mount, role, files, shown: Mutex::default() }
    }

    /// The same with the path that the method is mounted at.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }

    /// The same with the files that the client reads the certificate and its key from: when they
    /// change, the next login follows, over a new connection.
    #[must_use]
    pub fn files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.files = vec![certificate.into(), key.into()];
        self
    }

    /// Whether the files have changed since the last login.
    async fn has_changed(&self) -> bool {
        let now = stamps(self.files.clone()).await;
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.replace(now.clone()).is_some_and(|shown| shown != now)
    }
}

#[async_trait]
impl Method for Certificate {
    async fn login(&self, link: &Link<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            name: Option<&'a str>,
        }
        if self.has_changed().await {
            link.reconnect();
        }
        let body = Body { name: self.role.as_deref() };
        link.login(login_path(&self.mount), &body).await
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.clone()
    }

    fn follows_files(&self) -> bool {
        true
    }
}
