//! What each request has to pass: the token, no proxy in between, the time that it may take.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONNECTION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use km_proxy_adapter::Kind;

use super::app::App;
use super::{metrics, own, vault};
use crate::failure::Failure;

const FORWARDED: &str = "x-forwarded-for";

/// Seconds after which who was refused may come again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The guard of all paths but those of probes.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let speaks_vault = request.uri().path().starts_with("/v1/");
    let refused = |reason, status, failure: &Failure| {
        metrics::refused(reason);
        refusal(speaks_vault, status, failure)
    };
    if !app.token.is_in(request.headers()) {
        let hint = "send the token of --token-file as X-Vault-Token or Authorization: Bearer";
        let failure = Failure::new(Kind::Auth, "permission denied: the token is not ours", hint);
        return refused("token", StatusCode::UNAUTHORIZED, &failure);
    }
    if is_forwarded(request.headers()) {
        return refused("forwarded", StatusCode::FORBIDDEN, &forwarded());
    }
    let changes = !matches!(request.method(), &Method::GET | &Method::HEAD);
    let answer = tokio::time::timeout(app.limit, next.run(request)).await;
    let mut answer = answer.unwrap_or_else(|_| {
        let (status, failure) = late(changes, speaks_vault);
        refused("timeout", status, &failure)
    });
    let busy = answer.status() == StatusCode::SERVICE_UNAVAILABLE;
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if busy {
        headers.insert(RETRY_AFTER, RETRY_SECONDS);
    }
    answer
}

/// What was to change something may have done so: nobody is told to simply try again.
fn late(changes: bool, speaks_vault: bool) -> (StatusCode, Failure) {
    if !changes {
        let failure = Failure::new(Kind::Unavailable, "the request took too long", "try again");
        return (StatusCode::SERVICE_UNAVAILABLE, failure);
    }
    let what = "the request took too long: what it was to change may have been changed";
    let failure = Failure::new(Kind::Conflict, what, "read what is there, then decide");
    let status =
        if speaks_vault { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::CONFLICT };
    (status, failure)
}

/// The same rule where no token is asked for.
pub(super) async fn not_forwarded(request: Request, next: Next) -> Response {
    if is_forwarded(request.headers()) {
        metrics::refused("forwarded");
        return refusal(false, StatusCode::FORBIDDEN, &forwarded());
    }
    next.run(request).await
}

/// The answer to who is too many.
pub(super) fn busy(what: &str) -> Response {
    let failure = Failure::new(Kind::Unavailable, what, "try again later");
    let mut answer = refusal(false, StatusCode::SERVICE_UNAVAILABLE, &failure);
    answer.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn refusal(speaks_vault: bool, status: StatusCode, failure: &Failure) -> Response {
    if speaks_vault { vault::refused(status, failure) } else { own::refused_as(status, failure) }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED)
}

/// A request that came through a proxy is not one of this machine.
fn forwarded() -> Failure {
    let hint = "ask directly: a proxy would open this to other machines";
    Failure::new(Kind::Denied, "permission denied: the request has X-Forwarded-For", hint)
}
