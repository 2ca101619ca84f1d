//! The builder of a [`Client`].

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Proxy;
use rustls::crypto::CryptoProvider;

use super::Client;
use super::server::Server;
use crate::address::Address;
use crate::address::error::AddressError;
use crate::connection::config::ConnectionConfig;
use crate::connection::dns::Resolve;
use crate::connection::pool::ConnectionPools;
use crate::connection::tls::identity::ClientIdentity;
use crate::connection::tls::reload::TlsReloader;
use crate::connection::tls::server_name;
use crate::connection::tls::sources::{IdentitySource, PemSource, TlsSources};
use crate::error::build::{BuildError, BuildErrorKind};
use crate::path::ApiPath;
use crate::traceparent::{Traceparent, TraceparentSource};
use crate::transport::Transport;

/// The deadline of an operation, unless [`ClientBuilder::deadline`] sets another: long enough for a
/// leader election, which takes 1 to 2 seconds, and short enough for a gateway's own callers.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

impl Client {
    /// Returns a builder of a client for the server at `address`.
    pub fn builder(address: Address) -> ClientBuilder {
        ClientBuilder {
            address,
            deadline: DEFAULT_DEADLINE,
            tls: TlsSources::default(),
            server_name: None,
            resolver: None,
            proxy: None,
            transport: None,
            traceparent: None,
            namespace: None,
        }
    }
}

/// A builder of a [`Client`]. [`build`](Self::build) validates all settings.
///
/// ```no_run
/// use vault_http::{Address, Client, Plaintext};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let address = Address::parse("https://vault.example.com:8200", Plaintext::LoopbackOnly)?;
/// let client = Client::builder(address).ca_file("/etc/ssl/vault-ca.pem").build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientBuilder {
    address: Address,
    deadline: Duration,
    tls: TlsSources,
    server_name: Option<String>,
    resolver: Option<Arc<dyn Resolve>>,
    proxy: Option<String>,
    transport: Option<Arc<dyn Transport>>,
    traceparent: Option<TraceparentSource>,
    namespace: Option<ApiPath>,
}

impl ClientBuilder {
    /// Sets the time that one operation may take, retries and waits included. The default is
    /// [`DEFAULT_DEADLINE`].
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the namespace of requests that [name none](crate::Request::namespace). The default is
    /// the root namespace. Requests about the server itself, such as its health, have none.
    #[must_use]
    pub fn namespace(mut self, namespace: ApiPath) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Trusts the certificates of a PEM bundle instead of the system's.
    #[must_use]
    pub fn ca_pem(mut self, bundle: impl Into<Vec<u8>>) -> Self {
        self.tls.ca = Some(PemSource::Bytes(bundle.into()));
        self
    }

    /// Like [`ca_pem`](Self::ca_pem), but reads the bundle from a file and reloads it when the file
    /// changes.
    #[must_use]
    pub fn ca_file(mut self, bundle: impl Into<PathBuf>) -> Self {
        self.tls.ca = Some(PemSource::File(bundle.into()));
        self
    }

    /// Like [`ca_file`](Self::ca_file), with all regular files in a directory, which must not be more
    /// than 1,024. They are read again when the directory changes.
    #[must_use]
    pub fn ca_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.tls.ca = Some(PemSource::Directory(directory.into()));
        self
    }

    /// Sets the client certificate, which is sent to a server that requests one.
    #[must_use]
    pub fn identity(mut self, identity: ClientIdentity) -> Self {
        self.tls.identity = Some(IdentitySource::Fixed(identity));
        self
    }

    /// Like [`identity`](Self::identity), but reads the certificate and its private key from PEM
    /// files and reloads them, as a matching pair, when they change.
    #[must_use]
    pub fn identity_files(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        let (certificate, key) = (certificate.into(), key.into());
        self.tls.identity = Some(IdentitySource::Files { certificate, key });
        self
    }

    /// Sets the cryptography of TLS. The default is the provider of the feature `aws-lc-rs` or
    /// `ring`, in this order. The provider that is installed for the process has no effect.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use vault_http::{Address, Client, Plaintext};
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let address = Address::parse("https://vault.example.com:8200", Plaintext::LoopbackOnly)?;
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let client = Client::builder(address).crypto_provider(provider).build()?;
    /// # Ok(())
    /// # }
    /// # example().unwrap();
    /// ```
    #[must_use]
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.tls.provider = Some(provider);
        self
    }

    /// Sets the name that the TLS handshake requests and that the server's certificate is verified
    /// against. The default is the host of the address.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Resolves host names with `resolver` instead of the system's.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Connects through an HTTP proxy, such as `http://proxy.example.com:3128`, with `CONNECT`.
    /// Proxies are never taken from the environment.
    #[must_use]
    pub fn proxy(mut self, address: impl Into<String>) -> Self {
        self.proxy = Some(address.into());
        self
    }

    /// Sends the header `traceparent` that `source` returns, so that Vault's requests can be
    /// attributed to a distributed trace. It is not sent by default.
    ///
    /// `source` is called once for each attempt, within its span. With `tracing-opentelemetry`:
    ///
    /// ```ignore
    /// builder.traceparent(|| {
    ///     let context = tracing::Span::current().context();
    ///     let span = context.span().span_context().clone();
    ///     let flags = span.trace_flags().to_u8();
    ///     Traceparent::new(span.trace_id().to_bytes(), span.span_id().to_bytes(), flags).ok()
    /// })
    /// ```
    #[must_use]
    pub fn traceparent<F>(mut self, source: F) -> Self
    where
        F: Fn() -> Option<Traceparent> + Send + Sync + 'static,
    {
        self.traceparent = Some(Arc::new(source));
        self
    }

    /// Sends requests through `transport` instead of network connections. The settings of
    /// connections then have no effect: no certificate file is read, and no cryptography is needed.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Builds the client. Reads certificate files but does not connect.
    ///
    /// # Errors
    /// [`BuildError`] lists all problems with the settings.
    pub fn build(self) -> Result<Client, BuildError> {
        let mut problems = Vec::new();
        let server_name = self.validate_server_name().unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let proxy = self.build_proxy(server_name.is_some()).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let transport = match self.transport {
            Some(transport) => Some(transport),
            None => match TlsReloader::load(self.tls, self.address.is_tls()) {
                Ok(tls) => {
                    let (tls, resolver) = (Arc::new(tls), self.resolver);
                    let config = ConnectionConfig { tls, server_name, resolver, proxy };
                    Some(Arc::new(ConnectionPools::new(config)) as Arc<dyn Transport>)
                }
                Err(tls_problems) => {
                    problems.extend(tls_problems);
                    None
                }
            },
        };
        problems.extend(self.deadline.is_zero().then_some(BuildErrorKind::Deadline));
        match transport {
            Some(transport) if problems.is_empty() => {
                let server = Server::new(transport, self.address, self.traceparent);
                Ok(Client::new(server, self.deadline, self.namespace))
            }
            _ => Err(BuildError { problems }),
        }
    }

    fn validate_server_name(&self) -> Result<Option<String>, BuildErrorKind> {
        let Some(name) = &self.server_name else { return Ok(None) };
        server_name::validate(name, self.address.host()).map_err(BuildErrorKind::ServerName)
    }

    /// Builds the proxy. If the server has TLS, the proxy learns only the server's address.
    fn build_proxy(&self, has_server_name: bool) -> Result<Option<Proxy>, BuildErrorKind> {
        let Some(proxy) = &self.proxy else { return Ok(None) };
        let proxy = self.address.parse_proxy(proxy).map_err(BuildErrorKind::Proxy)?;
        if has_server_name {
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
