//! What each request must pass: the token, a permit for its connection, a time limit.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use km_proxy_adapter::ErrorKind;

use super::app::App;
use super::auth::origin::Refusal;
use super::server::connections::Admission;
use super::{metrics, native, vault};
use crate::error::Failure;

/// The seconds after which a client that received 503 may try again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The method that lists names, of Vault's API.
const LIST: &str = "LIST";

/// The guard of all paths but those of probes.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let form = Form::of(request.uri().path());
    let mut response = if !app.token.is_in(request.headers()) {
        form.wrong_token()
    } else if is_admitted(&request) {
        within_limit(&app, form, request, next).await
    } else {
        form.too_many_connections()
    };
    let is_unavailable = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if is_unavailable {
        headers.insert(RETRY_AFTER, RETRY_SECONDS);
    }
    response
}

/// Returns whether the connection of a request with the token is served.
fn is_admitted(request: &Request) -> bool {
    request.extensions().get::<Arc<Admission>>().is_some_and(|admission| admission.admit())
}

async fn within_limit(app: &App, form: Form, request: Request, next: Next) -> Response {
    let only_reads = only_reads(request.method());
    let response = tokio::time::timeout(app.limit, next.run(request)).await;
    response.unwrap_or_else(|_| form.timed_out(only_reads))
}

/// Returns whether a request with this method changes nothing.
fn only_reads(method: &Method) -> bool {
    matches!(method, &Method::GET | &Method::HEAD | &Method::OPTIONS) || method.as_str() == LIST
}

/// The response to a request that a web page or a proxy has sent.
pub(super) fn foreign(path: &str, refusal: Refusal) -> Response {
    let (reason, what) = match refusal {
        Refusal::Host => ("host", "Host is not the address of this listener"),
        Refusal::Forwarded => ("forwarded", "a browser or a proxy has sent the request"),
    };
    let hint = "connect directly to the address that km serve listens on";
    let failure = Failure::new(ErrorKind::Denied, format!("permission denied: {what}"), hint);
    Form::of(path).refused(reason, StatusCode::FORBIDDEN, &failure)
}

/// The form of an error, which depends on the API.
#[derive(Debug, Clone, Copy)]
enum Form {
    Vault,
    Native,
}

impl Form {
    fn of(path: &str) -> Self {
        if path.starts_with("/v1/") { Self::Vault } else { Self::Native }
    }

    /// Vault itself answers 403 with this text, which its clients know.
    fn wrong_token(self) -> Response {
        let hint = "send the token of --token-file as X-Vault-Token or Authorization: Bearer";
        let (status, what) = match self {
            Self::Vault => (StatusCode::FORBIDDEN, "permission denied"),
            Self::Native => (StatusCode::UNAUTHORIZED, "permission denied: invalid km serve token"),
        };
        self.refused("token", status, &Failure::new(ErrorKind::Auth, what, hint))
    }

    fn too_many_connections(self) -> Response {
        let failure =
            Failure::new(ErrorKind::Unavailable, "too many connections", "try again later");
        self.refused("connections", StatusCode::SERVICE_UNAVAILABLE, &failure)
    }

    /// A change may have been executed, so that the client must not simply try again.
    fn timed_out(self, only_reads: bool) -> Response {
        let (status, failure) = if only_reads {
            let failure =
                Failure::new(ErrorKind::Unavailable, "the request timed out", "try again");
            (StatusCode::SERVICE_UNAVAILABLE, failure)
        } else {
            let what = "the request timed out: the change may have been executed";
            let failure =
                Failure::new(ErrorKind::Conflict, what, "read what is there, then decide");
            let status = match self {
                Self::Vault => StatusCode::INTERNAL_SERVER_ERROR,
                Self::Native => StatusCode::CONFLICT,
            };
            (status, failure)
        };
        self.refused("timeout", status, &failure)
    }

    fn refused(self, reason: &'static str, status: StatusCode, failure: &Failure) -> Response {
        metrics::refused(reason);
        match self {
            Self::Vault => vault::refused(status, failure),
            Self::Native => native::refused_as(status, failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_read_change_nothing() {
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
