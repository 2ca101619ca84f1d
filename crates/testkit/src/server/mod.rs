//! A running server: its address, its root token and root access.

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
use crate::flavor::Flavor;
use crate::raw::Raw;
use crate::source::{Kind, Source};
use crate::unique::unique;

pub use access::Access;
pub(crate) use access::within;
pub use cluster::Cluster;
pub(crate) use process::signal_process;

use host::Host;
use plan::Plan;

static SHARED: OnceCell<Result<Server, String>> = OnceCell::const_new();
static WITH_METHODS: OnceCell<Result<Server, String>> = OnceCell::const_new();
static TLS: OnceCell<Result<Server, String>> = OnceCell::const_new();

/// A running server. Operations that affect all its users (seal, stop) take `&mut self`, so that
/// they cannot be called on a shared server.
#[derive(Debug)]
pub struct Server {
    access: Access,
    unseal_key: Option<String>,
    certs: Option<Arc<Certs>>,
    host: Host,
}

/// Offers the operations of any server, such as `server.api(…)` and `server.address()`.
impl Deref for Server {
    type Target = Access;

    fn deref(&self) -> &Access {
        &self.access
    }
}

impl Server {
    /// Returns the server that the tests of this process share: unsealed, plain HTTP on loopback.
    ///
    /// # Errors
    /// No server can be started; the text says what to install. Every test gets the same error at
    /// once.
    pub async fn shared() -> Result<&'static Self> {
        let start = async || {
            let source = Source::shared().await?;
            match &source.kind {
                Kind::Address { address, token } => {
                    Self::elsewhere(address, token.clone(), source.flavor())
                }
                _ => Self::dev(&source).await,
            }
        };
        once(&SHARED, start).await
    }

    /// Returns the server with TLS that the tests of this process share.
    ///
    /// # Errors
    /// Like [`Server::shared`].
    pub async fn tls() -> Result<&'static Self> {
        once(&TLS, async || Self::dedicated_tls().await).await
    }

    /// Returns the server with the login methods LDAP and AWS that the tests of this process share.
    /// It reaches services on the loopback addresses of this host. Only Vault has these methods.
    ///
    /// # Errors
    /// Like [`Server::shared`]; also if the methods cannot be built.
    pub async fn with_methods() -> Result<&'static Self> {
        let start = async || {
            let source = Source::with_methods().await?;
            let (token, plugins) = (format!("root-{}", unique()), source.plugins().await?);
            Self::dev_as(&source, Plan::DevWithMethods { token: token.clone(), plugins }, token)
                .await
        };
        once(&WITH_METHODS, start).await
    }

    /// Starts a dev server for this caller alone: in-memory storage, KV v2 at `secret/`.
    ///
    /// # Errors
    /// Like [`Server::shared`].
    pub async fn dev_alone() -> Result<Self> {
        Self::dev(&Source::own().await?).await
    }

    async fn dev(source: &Source) -> Result<Self> {
        let token = format!("root-{}", unique());
        Self::dev_as(source, Plan::dev(&token), token).await
    }

    async fn dev_as(source: &Source, plan: Plan, token: String) -> Result<Self> {
        let (host, address) = host::launch(source, &plan).await?;
        let access = Access::new(address.clone(), token, Raw::new(&address)?, source.flavor());
        let server = Self { access, unseal_key: None, certs: None, host };
        // The server responds before its root token and its KV engine exist, and both are needed
        // here.
        server.until_ok("secret/config").await?;
        Ok(server)
    }

    fn elsewhere(address: &str, token: String, flavor: Flavor) -> Result<Self> {
        let access = Access::new(address.to_owned(), token, Raw::new(address)?, flavor);
        Ok(Self { access, unseal_key: None, certs: None, host: Host::Elsewhere })
    }

    /// Returns the certificates of a server with TLS.
    ///
    /// # Errors
    /// The server has none.
    pub fn certs(&self) -> Result<&Certs> {
        self.certs.as_deref().context("this server has no TLS")
    }

    /// Returns whether the server was not started by the tests, and continues to run after them.
    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(self.host, Host::Elsewhere)
    }

    /// Returns the process ID, if the server is a process of this machine.
    pub fn process_id(&self) -> Option<u32> {
        self.host.process_id()
    }

    /// Runs the server's own command line (`vault kv get …`) with the root token. Returns stdout.
    ///
    /// # Errors
    /// The command fails, or the server runs elsewhere.
    pub async fn cli(&self, arguments: &[&str]) -> Result<String> {
        self.cli_with_input(arguments, "").await
    }

    /// Like [`Server::cli`], with stdin (`key=-`).
    ///
    /// # Errors
    /// Like [`Server::cli`].
    pub async fn cli_with_input(&self, arguments: &[&str], input: &str) -> Result<String> {
        self.cli_in("", arguments, input).await
    }

    /// Like [`Server::cli_with_input`], in a namespace; empty is the root namespace.
    ///
    /// # Errors
    /// Like [`Server::cli`].
    pub async fn cli_in(&self, namespace: &str, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = self.host.cli(self.address(), self.certs.is_some())?;
        command.env("VAULT_NAMESPACE", namespace);
        command.args(arguments).env("VAULT_TOKEN", self.root_token()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("starting the server's command line")?;
        let mut stdin = child.stdin.take().context("its stdin is not piped")?;
        // A command that does not read its input may have closed the pipe.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await?;
        let (program, said) = (self.flavor().program(), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{program} {}: {}", arguments.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Starts a shared server once. A failure is kept, so that the next test fails at once.
async fn once(
    cell: &'static OnceCell<Result<Server, String>>,
    start: impl AsyncFnOnce() -> Result<Server>,
) -> Result<&'static Server> {
    let started = cell.get_or_init(async || start().await.map_err(|error| format!("{error:#}")));
    started.await.as_ref().map_err(|why| anyhow!("{why}"))
}
