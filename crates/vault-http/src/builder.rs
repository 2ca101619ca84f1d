//! How a [`Client`] is made.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use crate::address::{Address, AddressError, Plaintext};
use crate::client::Client;
use crate::resolve::{Resolve, Resolver};
use crate::tls::{self, Identity, TlsError};
use crate::transport::Transport;
use crate::trust::{Pem, Shown, Sources, Trust};

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
}

impl ClientBuilder {
    pub(crate) fn new(address: Address) -> Self {
        let sources = Sources::default();
        let (server_name, resolver, proxy) = (None, None, None);
        Self { address, deadline: DEFAULT_DEADLINE, sources, server_name, resolver, proxy }
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
    pub fn identity(mut self, identity: Identity) -> Self {
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

    /// Makes the client. Files are read; nothing is sent.
    ///
    /// # Errors
    /// All that is wrong with the settings, together.
    pub fn build(self) -> Result<Client, BuildError> {
        let name = self.server_name.as_deref().map(tls::server_name).transpose();
        let proxy = self.proxy.as_deref().map(proxy).transpose();
        let trust = Trust::load(self.sources, self.address.is_tls());
        match (name, proxy, trust) {
            (Ok(name), Ok(proxy), Ok(trust)) if !self.deadline.is_zero() => {
                let resolver = Resolver::new(self.resolver);
                let named = self.address.is_named();
                let transport = Transport::new(trust, name, resolver, proxy, named);
                Ok(Client::new(transport, self.address, self.deadline))
            }
            (name, proxy, trust) => {
                let mut problems: Vec<_> =
                    name.err().map(BuildProblem::ServerName).into_iter().collect();
                problems.extend(proxy.err().map(BuildProblem::Proxy));
                problems.extend(trust.err().unwrap_or_default());
                problems.extend(self.deadline.is_zero().then_some(BuildProblem::Deadline));
                Err(BuildError { problems })
            }
        }
    }
}

/// The proxy sees no more than where the connection goes; what it carries is the server's TLS.
fn proxy(address: &str) -> Result<Uri, AddressError> {
    let address = Address::parse(address, Plaintext::DangerAnywhere)?;
    address.to_string().parse().map_err(|_| AddressError::Host)
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("address", &self.address).finish_non_exhaustive()
    }
}

/// All that is wrong with the settings of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    problems: Vec<BuildProblem>,
}

impl BuildError {
    /// The problems, at least one.
    pub fn problems(&self) -> &[BuildProblem] {
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
pub enum BuildProblem {
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
    /// No time to do anything.
    #[error("the deadline is zero")]
    Deadline,
}
