//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, get};
use km_proxy_adapter::ErrorKind;

use super::app::App;
use super::{guard, own, probes, vault};
use crate::failure::Failure;

/// All doors.
pub(super) fn main(app: &Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/v1/{*path}", any(vault::door))
        .route("/km/v1/secrets/{*name}", any(own::secret))
        .route("/km/v1/keys", any(own::keys))
        .route("/km/v1/keys/{*rest}", any(own::key))
        .route("/metrics", get(probes::metrics))
        .fallback(nowhere)
        .method_not_allowed_fallback(own::no_such_method)
        .layer(from_fn_with_state(Arc::clone(app), guard::guard));
    let open =
        Router::new().route("/healthz", get(probes::health)).route("/readyz", get(probes::ready));
    guarded.merge(open).with_state(Arc::clone(app))
}

/// The metrics alone.
pub(super) fn metrics(app: &Arc<App>) -> Router {
    Router::new().route("/metrics", get(probes::metrics)).with_state(Arc::clone(app))
}

async fn nowhere() -> Response {
    let what = "there is nothing at this path";
    own::refused(&Failure::new(ErrorKind::NotFound, what, "see docs/guides/serve.md"))
}
