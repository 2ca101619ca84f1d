//! The Vault door: Vault's own API for the configured location, answered from the cache.

mod data;
mod envelope;
mod metadata;
mod sys;

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use http::{HeaderMap, Method};
use km_proxy_adapter::Entry;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::app::App;
use super::server::Peer;

pub(super) use envelope::refused;

const ROOT: &str = "/v1/";

/// Where some clients say the namespace; others put it ahead of the mount.
const NAMESPACE: &str = "x-vault-namespace";

/// One request, as far as all its kinds have it.
struct Call {
    app: Arc<App>,
    verb: Verb,
    query: Asked,
    entry: Entry,
    /// Below the mount: what the log calls it.
    place: String,
    peer: Peer,
    request: Request,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    List,
    Write,
    Delete,
}

/// The query, as far as it means something here.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    list: Option<String>,
    #[serde(default)]
    version: Option<u64>,
}

/// All of `/v1/`.
pub(super) async fn door(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path().strip_prefix(ROOT).unwrap_or_default();
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return envelope::bad_request("the path is not UTF-8");
    };
    let path = path.into_owned();
    if let Some(answer) = sys::answer(&app, &path, &request) {
        return answer;
    }
    let Some(below) = below(&app.mount, &full(&path, request.headers())) else {
        return envelope::denied("this is not the configured location");
    };
    let Ok(Query(query)) = Query::<Asked>::try_from_uri(request.uri()) else {
        return envelope::bad_request("the query can't be read");
    };
    let Some(verb) = Verb::of(request.method(), &query) else {
        return envelope::unsupported();
    };
    let (endpoint, rest) = below.split_once('/').unwrap_or((&below, ""));
    let rest = if verb == Verb::List { rest.strip_suffix('/').unwrap_or(rest) } else { rest };
    let entry = match app.keys.entry(rest) {
        Ok(entry) => entry,
        Err(error) => return envelope::failed(&error),
    };
    let peer = Peer::of(&request);
    let place = rest.to_owned();
    let is_data = endpoint == "data";
    if !is_data && endpoint != "metadata" {
        return envelope::denied("only data and metadata are served");
    }
    let call = Call { app, verb, query, entry, place, peer, request };
    if is_data { data::answer(call).await } else { Box::pin(metadata::answer(call)).await }
}

impl Verb {
    fn of(method: &Method, query: &Asked) -> Option<Self> {
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

/// The path with the namespace of the headers ahead of it.
fn full(path: &str, headers: &HeaderMap) -> String {
    match namespace(headers) {
        Some(namespace) => format!("{namespace}/{path}"),
        None => path.to_owned(),
    }
}

/// The namespace of the headers, if it is not the root.
fn namespace(headers: &HeaderMap) -> Option<&str> {
    let namespace = headers.get(NAMESPACE)?.to_str().ok()?.trim_matches('/');
    (!namespace.is_empty()).then_some(namespace)
}

/// What follows on the mount.
fn below(mount: &str, path: &str) -> Option<String> {
    path.strip_prefix(mount)?.strip_prefix('/').map(str::to_owned)
}
