//! The TLS certificate method, whose credential is the connection's client certificate:
//! <https://developer.hashicorp.com/vault/docs/auth/cert>.

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

/// A login with the client certificate that the [`Client`](vault_http::Client) presents
/// ([`ClientBuilder::identity_files`](vault_http::ClientBuilder::identity_files)).
#[derive(Debug)]
pub struct Certificate {
    mount: ApiPath,
    role: Option<String>,
    files: Vec<PathBuf>,
    /// The files as they were at the last login.
    files_at_login: Mutex<Option<Fingerprints>>,
    fingerprint_task: FileTask<Fingerprints>,
    /// Whether the mode of the key file was inspected.
    mode_checked: AtomicBool,
    mode_task: FileTask<bool>,
}

impl Certificate {
    /// Creates the method at the mount `cert`, with a certificate role or, for `None`, with any
    /// role that matches.
    pub fn new(role: Option<String>) -> Self {
        Self {
            mount: ApiPath::from_static("cert"),
            role,
            files: Vec::new(),
            files_at_login: Mutex::default(),
            fingerprint_task: FileTask::default(),
            mode_checked: AtomicBool::new(false),
            mode_task: FileTask::default(),
        }
    }

    /// Sets the path at which the method is mounted.
    #[must_use]
    pub fn mount(mut self, mount: ApiPath) -> Self {
        self.mount = mount;
        self
    }

    /// Sets the files that the client reads the certificate and its key from. A change of them
    /// starts a login over a new connection.
    #[must_use]
    pub fn files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.files = vec![certificate.into(), key.into()];
        self
    }

    /// Returns whether the files have changed since the last login. Returns `false` if the file
    /// system does not respond.
    async fn has_changed(&self) -> bool {
        let files = self.files.clone();
        let Some(now) = self.fingerprint_task.run(move || fingerprints(&files)).await else {
            return false;
        };
        let mut last = self.files_at_login.lock().unwrap_or_else(PoisonError::into_inner);
        last.replace(now.clone()).is_some_and(|last| last != now)
    }

    /// Logs a warning, once, if every user can read the key.
    async fn warn_about_mode(&self) {
        let Some(key) = self.files.get(1).filter(|_| !self.mode_checked.swap(true, Relaxed)) else {
            return;
        };
        let file = key.clone();
        let is_open =
            move || read_blocking(&file, MAX_FILE_BYTES).is_ok_and(|key| key.readable_by_others);
        if self.mode_task.run(is_open).await.unwrap_or_default() {
            warn_readable_by_others(key);
        }
    }
}

#[async_trait]
impl Method for Certificate {
    async fn login(&self, client: &LoginClient<'_>) -> Result<Login, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            name: Option<&'a str>,
        }
        self.warn_about_mode().await;
        if self.has_changed().await {
            client.reconnect();
        }
        let body = Body { name: self.role.as_deref() };
        client.login(login_path(&self.mount), &body).await
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.clone()
    }

    fn logs_in_on_file_change(&self) -> bool {
        true
    }
}
