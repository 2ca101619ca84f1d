//! Root access to a server, for setup and for checks.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::flavor::Flavor;
use crate::raw::Raw;
use crate::source::report;

const READY_WITHIN: Duration = Duration::from_secs(60);

/// The address, the root token and a plain client. A clone does not keep the server running.
#[derive(Debug, Clone)]
pub struct Access {
    address: String,
    token: String,
    raw: Raw,
    flavor: Flavor,
}

impl Access {
    pub(crate) fn new(address: String, token: String, raw: Raw, flavor: Flavor) -> Self {
        Self { address, token, raw, flavor }
    }

    /// Returns the base URL, such as `http://127.0.0.1:8200`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the root token.
    pub fn root_token(&self) -> &str {
        &self.token
    }

    /// Returns a plain client, which sends no token by itself.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    /// Returns the flavor of the server.
    pub fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// Returns whether the current test is skipped because it needs another flavor, and reports
    /// that. Each test that calls this is listed in `docs/openbao.md` with the reason;
    /// `cargo xtask docs` compares the two.
    #[must_use]
    pub fn skips_unless(&self, flavor: Flavor) -> bool {
        let skips = self.flavor != flavor;
        if skips {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            report(&format!("skipped on {}, see docs/openbao.md: {test}", self.flavor));
        }
        skips
    }

    /// Creates a namespace and its parents, such as `teams/team-a`. An existing one is kept. On
    /// Vault this does nothing, because a mount path stands for the namespace.
    ///
    /// # Errors
    /// The server rejects it.
    pub async fn create_namespace(&self, namespace: &str) -> Result<()> {
        if self.flavor == Flavor::Vault {
            return Ok(());
        }
        let mut parent = String::new();
        for name in namespace.split('/').filter(|name| !name.is_empty()) {
            let path = within(&parent, &format!("sys/namespaces/{name}"));
            self.must("POST", &path, None).await?;
            parent = within(&parent, name);
        }
        Ok(())
    }

    /// Returns the path of a mount in `sys/mounts`. In a namespace of `OpenBao` it is in that
    /// namespace; on Vault the namespace is the head of the mount's path.
    pub(crate) fn mounts_path(&self, namespace: &str, mount: &str) -> String {
        match self.flavor {
            Flavor::Vault => format!("sys/mounts/{}", within(namespace, mount)),
            Flavor::OpenBao => within(namespace, &format!("sys/mounts/{mount}")),
        }
    }

    /// Sends a request with the root token; `path` follows `/v1/`.
    ///
    /// # Errors
    /// There is no response. No status is an error.
    pub async fn api(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Option<Value>>,
    ) -> Result<(u16, Value)> {
        self.raw.call(method, path, Some(&self.token), body).await
    }

    /// Like [`api`](Self::api), but requires success, and returns the body.
    ///
    /// # Errors
    /// There is no response, or its status is not 2xx.
    pub async fn must(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Option<Value>>,
    ) -> Result<Value> {
        let (status, answer) = self.api(method, path, body).await?;
        ensure!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        Ok(answer)
    }

    /// Waits until a read succeeds.
    ///
    /// # Errors
    /// There is no response, or reads are rejected for too long.
    pub async fn until_ok(&self, path: &str) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let (status, answer) = self.api("GET", path, None).await?;
            if status == 200 {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "not ready: {path}: {status} {answer}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Returns a path in a namespace. The root namespace is empty.
pub(crate) fn within(namespace: &str, path: &str) -> String {
    if namespace.is_empty() { path.to_owned() } else { format!("{namespace}/{path}") }
}
