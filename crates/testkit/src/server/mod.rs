//! A server, however it runs: its address, its root token, and a look into it.

mod access;
mod cluster;
mod container;
mod host;
mod own;
mod plan;
mod ports;
mod process;

use std::ops::Deref;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::OnceCell;

use crate::certs::Certs;
use crate::raw::Raw;
use crate::source::Source;
use crate::unique::unique;

pub use access::Access;
pub use cluster::Cluster;
pub(crate) use process::signal_process;

use host::Host;
use plan::Plan;

static SHARED: OnceCell<Result<Server, String>> = OnceCell::const_new();
static TLS: OnceCell<Result<Server, String>> = OnceCell::const_new();

/// A running server. What changes it for everybody (seal, stop) takes `&mut self`, so that a
/// shared one can't be asked to.
#[derive(Debug)]
pub struct Server {
    access: Access,
    unseal_key: Option<String>,
    certs: Option<Arc<Certs>>,
    host: Host,
}

/// What can be done to any server can be done to this one: `server.api(…)`, `server.address()`.
impl Deref for Server {
    type Target = Access;

    fn deref(&self) -> &Access {
        &self.access
    }
}

impl Server {
    /// The server that the tests of this process share, unsealed and plain HTTP on loopback.
    ///
    /// # Errors
    /// No server can be had: the text says what to install. It is the same, at once, for every
    /// test that asks.
    pub async fn shared() -> Result<&'static Self> {
        let start = async || match Source::shared().await? {
            Source::Address { address, token } => Self::elsewhere(&address, token),
            source => Self::dev(&source).await,
        };
        once(&SHARED, start).await
    }

    /// The server with TLS that the tests of this process share.
    ///
    /// # Errors
    /// As [`Server::shared`].
    pub async fn tls() -> Result<&'static Self> {
        once(&TLS, async || Self::dedicated_tls().await).await
    }

    /// A dev server for this caller alone: all in memory, KV v2 at `secret/`.
    ///
    /// # Errors
    /// As [`Server::shared`].
    pub async fn dev_alone() -> Result<Self> {
        Self::dev(&Source::own().await?).await
    }

    async fn dev(source: &Source) -> Result<Self> {
        let token = format!("root-{}", unique());
        let (host, address) = host::launch(source, &Plan::dev(&token)).await?;
        let access = Access::new(address.clone(), token, Raw::new(&address)?);
        let server = Self { access, unseal_key: None, certs: None, host };
        // It answers before it has its root token and its KV engine: this needs both.
        server.until_ok("secret/config").await?;
        Ok(server)
    }

    fn elsewhere(address: &str, token: String) -> Result<Self> {
        let access = Access::new(address.to_owned(), token, Raw::new(address)?);
        Ok(Self { access, unseal_key: None, certs: None, host: Host::Elsewhere })
    }

    /// The certificates of a server with TLS.
    ///
    /// # Errors
    /// It has none.
    pub fn certs(&self) -> Result<&Certs> {
        self.certs.as_deref().context("this server has no TLS")
    }

    /// Whether it was there before and stays when the tests are over.
    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(self.host, Host::Elsewhere)
    }

    /// Runs the server's own command line (`vault kv get …`) with the root token: stdout.
    ///
    /// # Errors
    /// The command fails, or the server is elsewhere and its command line with it.
    pub async fn cli(&self, arguments: &[&str]) -> Result<String> {
        self.cli_with_input(arguments, "").await
    }

    /// The same with something to read on stdin (`key=-`).
    ///
    /// # Errors
    /// As [`Server::cli`].
    pub async fn cli_with_input(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = self.host.cli(self.address(), self.certs.is_some())?;
        command.args(arguments).env("VAULT_TOKEN", self.root_token()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("starting the server's command line")?;
        let mut stdin = child.stdin.take().context("its stdin is not piped")?;
        // A command that doesn't read its input may have closed the pipe.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "vault {}: {}", arguments.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Starts what is shared, once; a failure is kept, so that the next test fails at once too.
async fn once(
    cell: &'static OnceCell<Result<Server, String>>,
    start: impl AsyncFnOnce() -> Result<Server>,
) -> Result<&'static Server> {
    let started = cell.get_or_init(async || start().await.map_err(|error| format!("{error:#}")));
    started.await.as_ref().map_err(|why| anyhow!("{why}"))
}
