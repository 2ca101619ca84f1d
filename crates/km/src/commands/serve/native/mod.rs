//! The own door: provider secrets by name, virtual keys by alias.

mod change;
mod keys;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use km_proxy_adapter::{Error, ErrorKind, Source};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::app::App;
use super::http::json as reply;
use super::metrics;
use super::operation::Operation;
use super::readiness::Served;
use super::server::Peer;
use crate::error::Failure;

pub(super) use keys::{key, keys};

const SECRETS: &str = "/km/v1/secrets/";

#[derive(Serialize)]
struct Secret<'a> {
    value: &'a str,
    version: Option<u64>,
    age_seconds: u64,
    stale: bool,
}

/// `GET /km/v1/secrets/{name}`.
pub(super) async fn secret(State(app): State<Arc<App>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return no_such_method().await;
    }
    let name = match tail(&request, SECRETS) {
        Ok(name) => name,
        Err(failure) => return refused(&failure),
    };
    let operation = Operation::own("read");
    let secret = match operation.run(&app, &name, app.keys.secret(&name)).await {
        Ok(secret) => secret,
        Err(error) => return failed(error),
    };
    metrics::read(secret.source());
    operation.audit_read(&Peer::of(&request), &name, secret.source(), secret.version());
    if secret.source() == Source::Vault {
        app.ready.served(|| Served::Name(name));
    }
    let document = Secret {
        value: secret.expose(),
        version: secret.version(),
        age_seconds: secret.age().unwrap_or_default().as_secs(),
        stale: secret.source() == Source::Stale,
    };
    reply::json(StatusCode::OK, &document)
}

/// What follows on `head` in the path, decoded once.
fn tail(request: &Request, head: &str) -> Result<String, Failure> {
    let path = request.uri().path();
    let tail = path.strip_prefix(head).unwrap_or_default();
    let decoded = percent_decode_str(tail).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| {
        Failure::new(
            ErrorKind::Usage,
            "usage: the path is not UTF-8",
            "encode it as UTF-8, then as %XX",
        )
    })
}

pub(super) async fn no_such_method() -> Response {
    let failure =
        Failure::new(ErrorKind::Usage, "usage: this path has no such method", "see the guide");
    refused_as(StatusCode::METHOD_NOT_ALLOWED, &failure)
}

/// The answer to an operation that failed.
fn failed(error: Error) -> Response {
    refused(&Failure::from(error))
}

/// The answer of a failure's kind.
pub(super) fn refused(failure: &Failure) -> Response {
    refused_as(status(failure.kind()), failure)
}

pub(super) fn refused_as(status: StatusCode, failure: &Failure) -> Response {
    reply::of_json(status, failure.json())
}

const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Usage | ErrorKind::Settings => StatusCode::BAD_REQUEST,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::StoredValue => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Auth | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
