//! The document of `GET /km/v1/status`. Scripts depend on its fields.

use serde::{Deserialize, Serialize};

/// The path of the endpoint.
pub(crate) const PATH: &str = "/km/v1/status";

/// The status of a sidecar. `S` is a setting.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatusDocument<S> {
    pub(crate) version: String,
    pub(crate) uptime_seconds: u64,
    pub(crate) ready: bool,
    pub(crate) vault: Vault,
    pub(crate) login: Login,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) cache: Cache,
    pub(crate) settings: Vec<S>,
}

/// The server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Vault {
    pub(crate) address: String,
    pub(crate) reachable: bool,
    /// The time since `reachable` has its value.
    pub(crate) since_seconds: Option<u64>,
    /// Null if it is not known.
    pub(crate) sealed: Option<bool>,
    pub(crate) version: Option<String>,
    /// Why the server can't serve requests.
    pub(crate) last_error: Option<String>,
}

/// The login.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) method: String,
    pub(crate) state: String,
    /// Null if there is no token, or if it doesn't expire.
    pub(crate) ttl_seconds: Option<u64>,
    pub(crate) generation: u64,
    pub(crate) last_error: Option<String>,
}

/// A name that the cache knows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) version: Option<u64>,
    pub(crate) age_seconds: Option<u64>,
    /// `fresh`, `stale`, `negative` or `loading`.
    pub(crate) state: String,
    /// `vault`, `environment`, or null if there is no value.
    pub(crate) source: Option<String>,
    pub(crate) refresh_in_seconds: Option<u64>,
    /// The kind of the last error, as in error responses.
    pub(crate) last_error: Option<String>,
    /// Whether it is a virtual key rather than a provider secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) virtual_key: bool,
}

/// The cache.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cache {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

/// An effective setting, as a client reads it.
#[derive(Debug, Deserialize)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
    /// For a setting whose value is not shown: whether it is set.
    #[serde(default)]
    pub(crate) set: Option<bool>,
    pub(crate) source: String,
}
