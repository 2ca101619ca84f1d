//! TLS certificate: the connection's client certificate is the credential.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use vault_http::file::read_blocking;
use vault_http::{ApiPath, Error};

use super::client::login_path;
use super::{LoginClient, Method};
use crate::credential::watch::{FileTask, Fingerprints, fingerprints};
use crate::credential::{MAX_FILE_BYTES, warn_readable_by_others};
use crate::login::Login;

/// Logs in with the client certificate that the [`Client`](vault_http::Client) shows
/// ([`ClientBuilder::identity_files`](vault_http::ClientBuilder::identity_files)).
#[derive(Debug)]
pub struct Certificate {
    mount: ApiPath,
    role: Option<String>,
    files: Vec<PathBuf>,
    /// The files as they were at the last login.
    files_at_login: Mutex<Option<Fingerprints>>,
    fingerprinting: FileTask<Fingerprints>,
    /// Whether the key's mode was checked.
    mode_checked: AtomicBool,
    checking_mode: FileTask<bool>,
}

impl Certificate {
    /// At the mount `cert`, with a certificate role or with whichever role matches.
    pub fn new(role: Option<String>) -> Self {
        let (mount, files) = (ApiPath::from_static("cert"), Vec::new());
        let (shown, looking, checked, checking) = <_>::default();
        Self {
            mount,
            role,
            files,
            files_at_login: shown,
            fingerprinting: looking,
            mode_checked: checked,
            checking_mode: checking,
        }
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

    /// Returns whether the files have changed since the last login. A file system that does not
    /// respond shows no change.
    async fn has_changed(&self) -> bool {
        let files = self.files.clone();
        let Some(now) = self.fingerprinting.run(move || fingerprints(&files)).await else {
            return false;
        };
        let mut shown = self.files_at_login.lock().unwrap_or_else(PoisonError::into_inner);
        shown.replace(now.clone()).is_some_and(|shown| shown != now)
    }

    /// Warns, once, if every user can read the key.
    async fn check_mode(&self) {
        let Some(key) = self.files.get(1).filter(|_| !self.mode_checked.swap(true, Relaxed)) else {
            return;
        };
        let file = key.clone();
        let is_open =
            move || read_blocking(&file, MAX_FILE_BYTES).is_ok_and(|key| key.readable_by_others);
        if self.checking_mode.run(is_open).await.unwrap_or_default() {
            warn_readable_by_others(key);
        }
    }
}

#[async_trait]
impl Method for Certificate {
    async fn login(&self, link: &LoginClient<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            name: Option<&'a str>,
        }
        self.check_mode().await;
        if self.has_changed().await {
            link.reconnect();
        }
        let body = Body { name: self.role.as_deref() };
        link.login(login_path(&self.mount), &body).await
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.clone()
    }

    fn logs_in_on_file_change(&self) -> bool {
        true
    }
}
