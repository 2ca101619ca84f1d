//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, get};
use km_proxy_adapter::ErrorKind;

use super::app::App;
use super::{health, middleware, native, vault};
use crate::error::Failure;

/// All doors.
pub(super) fn main(app: &Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/v1/{*path}", any(vault::door))
        .route("/km/v1/secrets/{*name}", any(native::secret))
        .route("/km/v1/keys", any(native::keys))
        .route("/km/v1/keys/{*rest}", any(native::key))
        .route("/metrics", get(health::metrics))
        .fallback(nowhere)
        .method_not_allowed_fallback(native::no_such_method)
        .layer(from_fn_with_state(Arc::clone(app), middleware::guard));
    let open =
        Router::new().route("/healthz", get(health::health)).route("/readyz", get(health::ready));
    guarded.merge(open).with_state(Arc::clone(app))
}

/// The metrics alone.
pub(super) fn metrics(app: &Arc<App>) -> Router {
    Router::new().route("/metrics", get(health::metrics)).with_state(Arc::clone(app))
}

async fn nowhere() -> Response {
    let what = "there is nothing at this path";
    native::refused(&Failure::new(ErrorKind::NotFound, what, "see docs/guides/serve.md"))
}
