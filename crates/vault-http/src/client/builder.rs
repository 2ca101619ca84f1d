//! How a [`Client`] is made.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Proxy;

use crate::address::{Address, AddressError};
use crate::client::Client;
use crate::connection::tls::reload::{Pem, Shown, Sources, TlsReloader};
use crate::connection::tls::{self, ClientIdentity, TlsError};
use crate::connection::{Connections, Resolve, Settings};
use crate::transport::Transport;

/// The deadline of an operation unless another is set.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// The settings of a [`Client`]. [`build`](Self::build) checks them all.
#[derive(Clone)]
pub struct ClientBuilder {
    address: Address,
    deadline: Duration,
    sources: Sources,
    server_name: Option<String>,
    resolver: Option<Arc<dyn Resolve>>,
    proxy: Option<String>,
    transport: Option<Arc<dyn Transport>>,
}

impl ClientBuilder {
    pub(crate) fn new(address: Address) -> Self {
        let (deadline, sources) = (DEFAULT_DEADLINE, Sources::default());
        let (server_name, resolver, proxy, transport) = (None, None, None, None);
        Self { address, deadline, sources, server_name, resolver, proxy, transport }
    }

    /// How long an operation may take, everything included. [`DEFAULT_DEADLINE`] if not set.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Trusts the certificates of this PEM bundle, and no others, in place of the system's.
    #[must_use]
    pub fn ca_pem(mut self, bundle: impl Into<Vec<u8>>) -> Self {
        self.sources.ca = Some(Pem::Bytes(bundle.into()));
        self
    }

    /// The same from a file, which is read again when it has changed.
    #[must_use]
    pub fn ca_file(mut self, bundle: impl Into<PathBuf>) -> Self {
        self.sources.ca = Some(Pem::File(bundle.into()));
        self
    }

    /// Shows this certificate to a server that asks for one.
    #[must_use]
    pub fn identity(mut self, identity: ClientIdentity) -> Self {
        self.sources.shown = Some(Shown::Fixed(identity));
        self
    }

    /// The same from PEM files, which are read again, as a matching pair, when they have changed.
    #[must_use]
    pub fn identity_files(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        let (certificate, key) = (certificate.into(), key.into());
        self.sources.shown = Some(Shown::Files { certificate, key });
        self
    }

    /// Asks for, and checks the certificate against, this name in place of the address's host.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Finds addresses by this resolver in place of the system's.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Goes through the HTTP proxy at this address, such as `http://proxy.example.com:3128`, by
    /// `CONNECT`. No proxy is ever taken from the environment.
    #[must_use]
    pub fn proxy(mut self, address: impl Into<String>) -> Self {
        self.proxy = Some(address.into());
        self
    }

    /// Sends requests by `transport` in place of connections of the client's own. Settings that
    /// concern connections then have no effect.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Makes the client. Files are read; nothing is sent.
    ///
    /// # Errors
    /// All that is wrong with the settings, together.
    pub fn build(self) -> Result<Client, BuildError> {
        let (tls, problems) = match TlsReloader::load(self.sources.clone(), self.address.is_tls()) {
            Ok(tls) => (Some(tls), Vec::new()),
            Err(problems) => (None, problems),
        };
        let mut all = Vec::new();
        let server_name = self.checked_server_name().unwrap_or_else(|problem| {
            all.push(problem);
            None
        });
        let proxy = self.checked_proxy(server_name.is_some()).unwrap_or_else(|problem| {
            all.push(problem);
            None
        });
        all.extend(problems);
        all.extend(self.deadline.is_zero().then_some(BuildErrorKind::Deadline));
        let Some(tls) = tls.filter(|_| all.is_empty()) else {
            return Err(BuildError { problems: all });
        };
        let transport = self.transport.unwrap_or_else(|| {
            let resolver = self.resolver;
            Arc::new(Connections::new(Settings {
                tls: Arc::new(tls),
                server_name,
                resolver,
                proxy,
            }))
        });
        Ok(Client::new(transport, self.address, self.deadline))
    }

    fn checked_server_name(&self) -> Result<Option<String>, BuildErrorKind> {
        let Some(name) = &self.server_name else { return Ok(None) };
        tls::server_name(name, self.address.host()).map_err(BuildErrorKind::ServerName)
    }

    /// The proxy. It sees no more than where the connection goes, if the server has TLS.
    fn checked_proxy(&self, other_name: bool) -> Result<Option<Proxy>, BuildErrorKind> {
        let Some(proxy) = &self.proxy else { return Ok(None) };
        let proxy = self.address.parse_proxy(proxy).map_err(BuildErrorKind::Proxy)?;
        if other_name {
            return Err(BuildErrorKind::ProxyAndServerName);
        }
        let proxy = Proxy::all(proxy.to_string());
        proxy.map(Some).map_err(|_| BuildErrorKind::Proxy(AddressError::Host))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("address", &self.address).finish_non_exhaustive()
    }
}

/// All that is wrong with the settings of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    problems: Vec<BuildErrorKind>,
}

impl BuildError {
    /// The problems, at least one.
    pub fn problems(&self) -> &[BuildErrorKind] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

/// One thing that is wrong with the settings of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// The trusted certificates.
    #[error("trusted certificates: {0}")]
    Trust(TlsError),
    /// The client certificate or its key.
    #[error("client certificate: {0}")]
    Identity(TlsError),
    /// A file can't be read.
    #[error("{path}: the file can't be read: {why}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The TLS server name.
    #[error("{0}")]
    ServerName(TlsError),
    /// The proxy's address.
    #[error("the proxy's address {0}")]
    Proxy(AddressError),
    /// Both were set: the proxy would be asked to connect to the server name.
    #[error("a proxy and a TLS server name cannot be used together")]
    ProxyAndServerName,
    /// No time to do anything.
    #[error("the deadline is zero")]
    Deadline,
}
