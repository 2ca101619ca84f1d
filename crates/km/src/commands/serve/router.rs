//! The routes of the listeners.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, get};
use km_proxy_adapter::ErrorKind;

use super::app::App;
use super::http::error_response;
use super::{health, middleware, native, vault};
use crate::error::Failure;
use crate::sidecar;

/// Returns the routes of the main listener: both APIs, the metrics and the probes. All but the
/// probes need the token.
pub(super) fn main(app: &Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/v1/{*path}", any(vault::handle))
        .route("/km/v1/secrets/{*name}", any(native::secret))
        .route("/km/v1/keys", any(native::keys))
        .route("/km/v1/keys/{*rest}", any(native::key))
        .route(sidecar::status::PATH, any(native::status))
        .route("/metrics", get(health::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(native::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(app), middleware::guard));
    let open =
        Router::new().route("/healthz", get(health::health)).route("/readyz", get(health::ready));
    guarded.merge(open).with_state(Arc::clone(app))
}

/// Returns the routes of the listener for metrics.
pub(super) fn metrics(app: &Arc<App>) -> Router {
    Router::new().route("/metrics", get(health::metrics)).with_state(Arc::clone(app))
}

async fn not_found() -> Response {
    let what = "not found: no such endpoint";
    error_response::native(&Failure::new(ErrorKind::NotFound, what, "see docs/guides/serve.md"))
}
