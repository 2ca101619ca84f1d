//! The Vault API: Vault's own API for the configured mount, served from the cache.
//!
//! Paths, envelopes and status codes are Vault's, so that its clients need no change. See
//! [KV v2](https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2).

mod data;
mod envelope;
mod metadata;
mod namespace;
mod request;
mod sys;

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use percent_encoding::percent_decode_str;

use super::app::App;
use super::peer::Peer;
use request::{EntryRequest, QueryParameters, Verb};

const PREFIX: &str = "/v1/";

/// Handles all paths below `/v1/`.
pub(super) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return envelope::bad_request("the path is not UTF-8");
    };
    let Some(path) = namespace::qualify(&path, request.headers()) else {
        return envelope::denied("not the configured namespace");
    };
    if let Some(response) = sys::handle(&app, &path, &request) {
        return response;
    }
    let Some(path) = path.strip_prefix(&app.mount).and_then(|path| path.strip_prefix('/')) else {
        return envelope::denied("not the configured mount");
    };
    let Ok(Query(query)) = Query::<QueryParameters>::try_from_uri(request.uri()) else {
        return envelope::bad_request("invalid query parameters");
    };
    let Some(verb) = Verb::of(request.method(), &query) else {
        return envelope::unsupported();
    };
    let (endpoint, name) = path.split_once('/').unwrap_or((path, ""));
    let name = if verb == Verb::List { name.strip_suffix('/').unwrap_or(name) } else { name };
    let entry = match app.keys.entry(name) {
        Ok(entry) => entry,
        Err(error) => return envelope::failed(&error),
    };
    let is_data = endpoint == "data";
    if !is_data && endpoint != "metadata" {
        return envelope::denied("only data and metadata are served");
    }
    let (client, name) = (Peer::of(&request), name.to_owned());
    let version = query.version;
    let request = EntryRequest { app, verb, version, entry, name, client, request };
    if is_data { data::handle(request).await } else { Box::pin(metadata::handle(request)).await }
}
