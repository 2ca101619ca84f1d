//! The configuration of a server: its arguments and files.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::certs::Certs;

/// The mode of a server.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// In-memory storage, unsealed, with this root token.
    Dev { token: String },
    /// Like `Dev`, with the login methods in this directory, which may reach services on this host.
    DevWithMethods { token: String, plugins: Option<PathBuf> },
    /// A configuration file and raft storage: the server can be sealed, stopped and started again.
    Durable { certs: Option<Arc<Certs>> },
    /// Like `Raft`, as one of several nodes on this host, with the ports of all.
    Member { index: usize, ports: Vec<u16> },
}

/// Paths and addresses, which differ between a process and a container.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The directory of its files.
    pub(crate) root: &'a str,
    /// The interface to listen on.
    pub(crate) interface: &'a str,
    /// The port. The next one is that of the cluster.
    pub(crate) port: u16,
}

impl Plan {
    pub(crate) fn dev(token: &str) -> Self {
        Self::Dev { token: token.to_owned() }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.certs().is_some() { "https" } else { "http" }
    }

    pub(crate) fn certs(&self) -> Option<&Arc<Certs>> {
        match self {
            Self::Dev { .. } | Self::DevWithMethods { .. } | Self::Member { .. } => None,
            Self::Durable { certs } => certs.as_ref(),
        }
    }

    /// Returns whether the server must reach others on the host's loopback addresses.
    pub(crate) fn is_on_the_host(&self) -> bool {
        matches!(self, Self::Member { .. } | Self::DevWithMethods { .. })
    }

    pub(crate) fn arguments(&self, place: Place<'_>) -> Vec<String> {
        let arguments = match self {
            Self::Dev { token } => dev(token, place),
            Self::DevWithMethods { token, plugins } => {
                let plugins = plugins.iter().map(|dir| dir.display());
                let plugins = plugins.map(|dir| format!("-dev-plugin-dir={dir}"));
                dev(token, place).into_iter().chain(plugins).collect()
            }
            Self::Durable { .. } | Self::Member { .. } => {
                vec![format!("-config={}/vault.json", place.root)]
            }
        };
        std::iter::once("server".to_owned()).chain(arguments).collect()
    }

    /// Returns the files: names below the root, and contents.
    pub(crate) fn files(&self, place: Place<'_>) -> Vec<(&'static str, String)> {
        if matches!(self, Self::Dev { .. } | Self::DevWithMethods { .. }) {
            return Vec::new();
        }
        let mut files = vec![
            ("vault.json", self.configuration(place).to_string()),
            // Raft requires that its directory exists.
            ("raft/.keep", String::new()),
        ];
        if let Some(certs) = self.certs() {
            files.extend([
                ("server.pem", certs.server.certificate.clone()),
                ("server.key", certs.server.key.clone()),
                ("ca.pem", certs.ca()),
            ]);
        }
        files
    }

    fn configuration(&self, place: Place<'_>) -> Value {
        let Place { root, interface, port } = place;
        let tls = match self.certs() {
            None => json!({ "tls_disable": true }),
            Some(_) => json!({
                "tls_cert_file": format!("{root}/server.pem"),
                "tls_key_file": format!("{root}/server.key"),
            }),
        };
        let mut listener = json!({
            "address": format!("{interface}:{port}"),
            "cluster_address": format!("{interface}:{}", port + 1),
        });
        if let (Some(listener), Value::Object(tls)) = (listener.as_object_mut(), tls) {
            listener.extend(tls);
        }
        json!({
            "storage": { "raft": self.raft(root) },
            "listener": [{ "tcp": listener }],
            "api_addr": format!("{}://127.0.0.1:{port}", self.scheme()),
            "cluster_addr": format!("https://127.0.0.1:{}", port + 1),
            // A container may not lock memory, and test data need no protection.
            "disable_mlock": true,
        })
    }

    fn raft(&self, root: &str) -> Value {
        let path = format!("{root}/raft");
        let Self::Member { index, ports } = self else {
            // The fastest election, because there are no other voters.
            return json!({ "path": path, "node_id": "alone", "performance_multiplier": 1 });
        };
        let join = |port| json!({ "leader_api_addr": format!("http://127.0.0.1:{port}") });
        let others = ports.iter().enumerate().filter(|(other, _)| other != index);
        let others: Vec<_> = others.map(|(_, port)| join(port)).collect();
        json!({ "path": path, "node_id": format!("node-{index}"), "retry_join": others })
    }
}

fn dev(token: &str, place: Place<'_>) -> Vec<String> {
    vec![
        "-dev".to_owned(),
        "-dev-no-store-token".to_owned(),
        format!("-dev-root-token-id={token}"),
        format!("-dev-listen-address={}:{}", place.interface, place.port),
    ]
}
