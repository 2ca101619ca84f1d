//! `GET /km/v1/secrets/{name}`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use km_proxy_adapter::Source;
use serde::Serialize;

use super::request::{method_not_allowed, path_after};
use crate::commands::serve::app::App;
use crate::commands::serve::http::{error_response, json};
use crate::commands::serve::metrics;
use crate::commands::serve::operation::Operation;
use crate::commands::serve::peer::Peer;
use crate::commands::serve::readiness::LastRead;

const PREFIX: &str = "/km/v1/secrets/";

#[derive(Serialize)]
struct Document<'a> {
    value: &'a str,
    version: Option<u64>,
    age_seconds: u64,
    stale: bool,
}

/// Responds with the value of a provider secret.
pub(crate) async fn secret(State(app): State<Arc<App>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return method_not_allowed().await;
    }
    let name = match path_after(PREFIX, &request) {
        Ok(name) => name,
        Err(failure) => return error_response::native(&failure),
    };
    let operation = Operation::native("read");
    let secret = match operation.run(&app, &name, app.keys.secret(&name)).await {
        Ok(secret) => secret,
        Err(error) => return error_response::native(&error.into()),
    };
    metrics::read(secret.source());
    operation.audit_read(&Peer::of(&request), &name, secret.source(), secret.version());
    if secret.source() == Source::Vault {
        app.readiness.record_read(LastRead::Name(name));
    }
    let document = Document {
        value: secret.expose(),
        version: secret.version(),
        age_seconds: secret.age().unwrap_or_default().as_secs(),
        stale: secret.source() == Source::Stale,
    };
    json::response(StatusCode::OK, &document)
}
