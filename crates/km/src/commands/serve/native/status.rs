//! `GET /km/v1/status`: what the sidecar holds and why, without values and credentials.
//!
//! It responds within about a second, during an outage, a start and a shutdown too. It counts
//! neither as an operation nor as a check of readiness.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use km_proxy_adapter::{ErrorKind, SecretState, SecretStatus, Status};
use km_settings::EffectiveSetting;
use serde::Deserialize;

use super::request::{GUIDE, method_not_allowed};
use crate::commands::serve::app::App;
use crate::commands::serve::http::{error_response, json};
use crate::error::{Failure, exit_code};
use crate::sidecar::status::{Cache, Login, Secret, StatusDocument, Vault};

/// The query parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Whether to include virtual keys, whose names are those of teams and users.
    #[serde(default)]
    keys: bool,
}

/// Responds with the status.
pub(crate) async fn status(State(app): State<Arc<App>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return method_not_allowed().await;
    }
    let Ok(Query(parameters)) = Query::<Parameters>::try_from_uri(request.uri()) else {
        let what = "usage: the only query parameter is `keys`, which is true or false";
        return error_response::native(&Failure::new(ErrorKind::Usage, what, GUIDE));
    };
    let status = app.keys.status().await;
    json::response(StatusCode::OK, &document(&app, status, parameters.keys))
}

fn document(app: &App, status: Status, keys: bool) -> StatusDocument<&EffectiveSetting> {
    let Status { vault, login, cache, secrets, virtual_keys, .. } = status;
    let secrets = secrets.into_iter().map(|status| secret(status, false));
    let virtual_keys = virtual_keys.into_iter().filter(|_| keys);
    let virtual_keys = virtual_keys.map(|status| secret(status, true));
    StatusDocument {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: app.started.elapsed().as_secs(),
        ready: app.readiness.last(),
        vault: Vault {
            address: vault.address,
            reachable: vault.reachable,
            since_seconds: vault.since.map(|since| since.as_secs()),
            sealed: vault.sealed,
            version: vault.version,
            last_error: vault.error,
        },
        login: Login {
            method: login.method.to_owned(),
            state: login.state.to_owned(),
            ttl_seconds: login.ttl.map(|ttl| ttl.as_secs()),
            generation: login.generation,
            last_error: login.error,
        },
        secrets: secrets.chain(virtual_keys).collect(),
        cache: Cache {
            entries: cache.entries,
            bytes: cache.bytes,
            hits: cache.hits,
            misses: cache.misses,
        },
        settings: app.keys.settings().effective.iter().collect(),
    }
}

fn secret(status: SecretStatus, virtual_key: bool) -> Secret {
    let seconds = |span: Option<Duration>| span.map(|span| span.as_secs());
    let state = match status.state {
        SecretState::Fresh => "fresh",
        SecretState::Stale => "stale",
        SecretState::Negative => "negative",
        SecretState::Loading => "loading",
    };
    Secret {
        version: status.version,
        age_seconds: seconds(status.age),
        state: state.to_owned(),
        source: status.source.map(|source| source.as_str().to_owned()),
        refresh_in_seconds: seconds(status.refresh_in),
        last_error: status.error.map(|kind| exit_code::name(kind).to_owned()),
        name: status.name,
        virtual_key,
    }
}
