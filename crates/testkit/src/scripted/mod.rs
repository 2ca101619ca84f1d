//! A server whose every byte and every delay a test decides, for what no HTTP library would send.
//!
//! A script has [`Step`]s per connection or per request. A [`Record`] keeps everything that is
//! received, as sent and after TLS, so that a test can assert that a token was not sent.

mod answer;
mod connection;
mod record;
mod script;
mod step;
mod tap;
mod tls;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use script::Script;

pub use answer::{Answer, json, raw};
pub use record::{Record, Request};
pub use step::Step;
pub use tls::{server_config, server_config_for_clients};

/// A server that follows a script until it is dropped.
pub struct Scripted {
    address: SocketAddr,
    tls: bool,
    record: Arc<Record>,
    accepting: JoinSet<()>,
}

/// The configuration of a [`Scripted`] server.
pub struct Setup {
    script: Script,
    tls: Option<Arc<ServerConfig>>,
    address: SocketAddr,
    receives: Option<u32>,
}

impl Scripted {
    /// Runs the steps for each connection, by its number, and then ends the connection.
    pub fn connections(script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Setup {
        Setup::new(Script::Connection(Box::new(script)))
    }

    /// Runs the steps for each complete request, and then reads the next one.
    pub fn requests(script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Setup {
        Setup::new(Script::Request(Box::new(script)))
    }

    /// Returns the base URL, such as `http://127.0.0.1:1234`.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server, so that its address is free.
    pub async fn stop(mut self) {
        self.accepting.shutdown().await;
    }

    /// Returns what was received so far.
    pub fn record(&self) -> &Record {
        &self.record
    }
}

impl Setup {
    fn new(script: Script) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { script, tls: None, address, receives: None }
    }

    /// Uses TLS.
    #[must_use]
    pub fn tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Listens on this address.
    #[must_use]
    pub fn at(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// Limits the unread bytes that the system buffers to about this many.
    #[must_use]
    pub fn receives(mut self, bytes: u32) -> Self {
        self.receives = Some(bytes);
        self
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// The address is not available.
    pub fn start(self) -> Result<Scripted> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        if let Some(bytes) = self.receives {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.bind(self.address)?;
        let listener = socket.listen(4_096)?;
        let (address, record) = (listener.local_addr()?, Arc::<Record>::default());
        let mut accepting = JoinSet::new();
        let tls = self.tls.is_some();
        accepting.spawn(accept(listener, Arc::new(self.script), self.tls, Arc::clone(&record)));
        Ok(Scripted { address, tls, record, accepting })
    }
}

/// Owns the connections, which end with it.
async fn accept(
    listener: TcpListener,
    script: Arc<Script>,
    tls: Option<Arc<ServerConfig>>,
    record: Arc<Record>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = record.connected();
        let (script, tls, record) = (Arc::clone(&script), tls.clone(), Arc::clone(&record));
        connections.spawn(async move {
            // A client that disconnects is not an error of a server.
            let _ = connection::serve(stream, number, &script, tls, &record).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("address", &self.address).finish_non_exhaustive()
    }
}
