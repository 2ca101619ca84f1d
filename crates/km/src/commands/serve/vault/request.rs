//! A request for an entry of the mount.

use std::sync::Arc;

use axum::extract::Request;
use http::Method;
use km_proxy_adapter::Entry;
use serde::Deserialize;

use crate::commands::serve::app::App;
use crate::commands::serve::peer::Peer;

/// A request for the data or the metadata of an entry.
pub(super) struct EntryRequest {
    pub(super) app: Arc<App>,
    pub(super) verb: Verb,
    /// The query parameter `version`.
    pub(super) version: Option<u64>,
    pub(super) entry: Entry,
    /// The path of the entry below the mount's endpoint, for the log.
    pub(super) name: String,
    pub(super) client: Peer,
    pub(super) request: Request,
}

/// The operation that a method and the query parameter `list` select.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    List,
    Write,
    Delete,
}

/// The query parameters that have a meaning here. Others are ignored, as in Vault.
#[derive(Debug, Default, Deserialize)]
pub(super) struct QueryParameters {
    #[serde(default)]
    list: Option<String>,
    #[serde(default)]
    pub(super) version: Option<u64>,
}

impl Verb {
    /// Returns the operation of a method, or `None` if Vault does not support the method.
    pub(super) fn of(method: &Method, query: &QueryParameters) -> Option<Self> {
        match method.as_str() {
            "GET" if query.list.as_deref() == Some("true") => Some(Self::List),
            "GET" => Some(Self::Get),
            "LIST" => Some(Self::List),
            "POST" | "PUT" => Some(Self::Write),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }
}
