//! A server for one test, which can be sealed, stopped, killed, suspended and started again.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Access, Server, host, plan::Plan};
use crate::certs::Certs;
use crate::raw::Raw;
use crate::source::Source;

impl Server {
    /// Starts a server with a configuration file and raft storage, initialized with one key share,
    /// unsealed and active.
    ///
    /// # Errors
    /// Like [`Server::shared`]. With `KM_TEST_VAULT_ADDR` it is still a container or a process.
    pub async fn dedicated() -> Result<Self> {
        Self::durable(None).await
    }

    /// Like [`Server::dedicated`], with TLS. The authorities and client certificates are in
    /// [`Server::certs`].
    ///
    /// # Errors
    /// Like [`Server::dedicated`].
    pub async fn dedicated_tls() -> Result<Self> {
        Self::durable(Some(Arc::new(Certs::new()?))).await
    }

    async fn durable(certs: Option<Arc<Certs>>) -> Result<Self> {
        let source = Source::own().await?;
        let plan = Plan::Durable { certs: certs.clone() };
        let (host, address) = host::launch(&source, &plan).await?;
        let ca = certs.as_ref().map(|certs| certs.ca());
        let raw = Raw::with_tls(&address, ca.as_deref(), None)?;
        let (token, key) = initialise(&raw).await?;
        let access = Access::new(address, token, raw, source.flavor());
        let mut server = Self { access, unseal_key: Some(key), certs, host };
        server.unseal().await?;
        Ok(server)
    }

    /// Seals the server: it responds to nearly everything with 503.
    ///
    /// # Errors
    /// The server rejects it.
    pub async fn seal(&mut self) -> Result<()> {
        self.must("PUT", "sys/seal", None).await.map(drop)
    }

    /// Unseals the server and waits until it is active.
    ///
    /// # Errors
    /// The server rejects the key, or is not active in time.
    pub async fn unseal(&mut self) -> Result<()> {
        let key = self.unseal_key.clone().context("a dev server has no key of ours")?;
        self.must("PUT", "sys/unseal", json!({ "key": key })).await?;
        self.until_ok("sys/health").await
    }

    /// Stops the server gracefully. Connections are refused then.
    ///
    /// # Errors
    /// It does not end.
    pub async fn stop(&mut self) -> Result<()> {
        self.host.stop(false).await
    }

    /// Kills the server, like a crash.
    ///
    /// # Errors
    /// It does not end.
    pub async fn kill(&mut self) -> Result<()> {
        self.host.stop(true).await
    }

    /// Starts the server again at the same address. It is sealed then; see [`Server::unseal`].
    ///
    /// # Errors
    /// It does not start, or does not respond.
    pub async fn start(&mut self) -> Result<()> {
        self.host.start().await?;
        self.host.answering(self.access.raw()).await
    }

    /// Suspends the server: it accepts connections and does not respond.
    ///
    /// # Errors
    /// The system refuses.
    pub async fn freeze(&mut self) -> Result<()> {
        self.host.freeze().await
    }

    /// Resumes the server after [`Server::freeze`].
    ///
    /// # Errors
    /// The system refuses.
    pub async fn thaw(&mut self) -> Result<()> {
        self.host.thaw().await
    }

    /// Returns the server's log.
    pub async fn log(&self) -> String {
        self.host.log().await
    }
}

/// Initializes a server with one key share. Returns its root token and the key.
pub(super) async fn initialise(raw: &Raw) -> Result<(String, String)> {
    let body = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let (status, keys) = raw.call("PUT", "sys/init", None, body).await?;
    ensure!(status == 200, "sys/init: {status} {keys}");
    let text = |path: &str| keys.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let token = text("/root_token").context("sys/init gave no root token")?;
    Ok((token, text("/keys_base64/0").context("sys/init gave no key")?))
}
