//! How a [`Client`] is made.

use std::fmt;
use std::time::Duration;

use crate::address::Address;
use crate::client::Client;
use crate::tls::{self, Identity, Roots, TlsError};
use crate::transport;

/// The deadline of an operation unless another is set.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// Time for TCP and TLS together. A server on the same continent needs a tenth of it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The settings of a [`Client`]. [`build`](Self::build) checks them all.
#[derive(Clone)]
pub struct ClientBuilder {
    address: Address,
    deadline: Duration,
    roots: Option<Vec<u8>>,
    identity: Option<Identity>,
    server_name: Option<String>,
}

impl ClientBuilder {
    pub(crate) fn new(address: Address) -> Self {
        Self { address, deadline: DEFAULT_DEADLINE, roots: None, identity: None, server_name: None }
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
        self.roots = Some(bundle.into());
        self
    }

    /// Shows this certificate to a server that asks for one.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Asks for, and checks the certificate against, this name in place of the address's host.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// All that is wrong with the settings, together.
    pub fn build(self) -> Result<Client, BuildError> {
        let mut problems = Vec::new();
        let name = self.server_name.as_deref().map(tls::server_name).transpose();
        let roots = match &self.roots {
            Some(pem) => Roots::Pem(pem),
            None if self.address.is_tls() => Roots::System,
            None => Roots::None,
        };
        let config = tls::config(roots, self.identity.as_ref());
        match (name, config) {
            (Ok(name), Ok(config)) if !self.deadline.is_zero() => {
                let pool = transport::pool(config, name, CONNECT_TIMEOUT);
                return Ok(Client::new(pool, self.address, self.deadline));
            }
            (name, config) => {
                problems.extend(name.err().map(BuildProblem::ServerName));
                problems.extend(config.err().map(BuildProblem::Trust));
            }
        }
        if self.deadline.is_zero() {
            problems.push(BuildProblem::Deadline);
        }
        Err(BuildError { problems })
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
    /// The TLS server name.
    #[error("{0}")]
    ServerName(TlsError),
    /// No time to do anything.
    #[error("the deadline is zero")]
    Deadline,
}
