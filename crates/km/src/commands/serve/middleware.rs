//! The checks that each request has to pass: the token, a permit for its connection, a time limit.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use km_proxy_adapter::ErrorKind;

use super::api::Api;
use super::app::App;
use super::auth::origin::Rejection;
use super::http::error_response;
use super::metrics;
use super::server::connections::Admission;
use crate::error::Failure;
use crate::sidecar::refresh;

/// The number of seconds after which a client that received 503 may retry.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The method of Vault's API that lists names.
const LIST: &str = "LIST";

/// Guards all paths but those of the probes.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let api = Api::of(request.uri().path());
    let mut response = if !app.token.is_in(request.headers()) {
        invalid_token(api)
    } else if is_admitted(&request) {
        with_timeout(&app, api, request, next).await
    } else {
        too_many_connections(api)
    };
    let is_unavailable = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if is_unavailable {
        headers.insert(RETRY_AFTER, RETRY_SECONDS);
    }
    response
}

/// Returns whether the connection of a request with a valid token has a permit.
fn is_admitted(request: &Request) -> bool {
    request.extensions().get::<Arc<Admission>>().is_some_and(|admission| admission.admit())
}

async fn with_timeout(app: &App, api: Api, request: Request, next: Next) -> Response {
    let only_reads = only_reads(request.method()) || request.uri().path() == refresh::PATH;
    let response = tokio::time::timeout(app.request_timeout, next.run(request)).await;
    response.unwrap_or_else(|_| timed_out(api, only_reads))
}

/// Returns whether a request with this method changes nothing.
fn only_reads(method: &Method) -> bool {
    matches!(method, &Method::GET | &Method::HEAD | &Method::OPTIONS) || method.as_str() == LIST
}

/// Returns the response to a request that a web page or a proxy has sent.
pub(super) fn foreign(path: &str, rejection: Rejection) -> Response {
    let (reason, what) = match rejection {
        Rejection::Host => ("host", "the Host header is not the address of this listener"),
        Rejection::Forwarded => ("forwarded", "a browser or a proxy has sent the request"),
    };
    let hint = "connect directly to the address that km serve listens on";
    let failure = Failure::new(ErrorKind::Denied, format!("permission denied: {what}"), hint);
    rejected(Api::of(path), reason, StatusCode::FORBIDDEN, &failure)
}

/// At the Vault API, the status and the message are Vault's own, which its clients handle.
fn invalid_token(api: Api) -> Response {
    let hint = "send the token of --token-file as X-Vault-Token or Authorization: Bearer";
    let (status, what) = match api {
        Api::Vault => (StatusCode::FORBIDDEN, "permission denied"),
        Api::Native => (StatusCode::UNAUTHORIZED, "permission denied: invalid km serve token"),
    };
    rejected(api, "token", status, &Failure::new(ErrorKind::Auth, what, hint))
}

fn too_many_connections(api: Api) -> Response {
    let failure = Failure::new(ErrorKind::Unavailable, "too many connections", "retry later");
    rejected(api, "connections", StatusCode::SERVICE_UNAVAILABLE, &failure)
}

/// A change that timed out gets a status that clients do not retry, because it may have been
/// executed.
fn timed_out(api: Api, only_reads: bool) -> Response {
    let (status, failure) = if only_reads {
        let failure = Failure::new(ErrorKind::Unavailable, "the request timed out", "retry");
        (StatusCode::SERVICE_UNAVAILABLE, failure)
    } else {
        let what = "the request timed out: the change may have been executed";
        let hint = "read the secret, then decide whether to repeat the change";
        let status = match api {
            Api::Vault => StatusCode::INTERNAL_SERVER_ERROR,
            Api::Native => StatusCode::CONFLICT,
        };
        (status, Failure::new(ErrorKind::Conflict, what, hint))
    };
    rejected(api, "timeout", status, &failure)
}

fn rejected(api: Api, reason: &'static str, status: StatusCode, failure: &Failure) -> Response {
    metrics::rejected(reason);
    error_response::response(api, status, failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_methods_that_change_nothing_count_as_reads() {
        for (method, expected) in [
            ("GET", true),
            ("HEAD", true),
            ("LIST", true),
            ("OPTIONS", true),
            ("POST", false),
            ("PUT", false),
            ("PATCH", false),
            ("DELETE", false),
            ("ANYTHING", false),
        ] {
            assert_eq!(only_reads(&method.parse().unwrap()), expected, "{method}");
        }
    }
}
