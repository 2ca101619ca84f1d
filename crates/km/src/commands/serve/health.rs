//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};

use super::app::App;

/// Responds as long as the process runs.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Responds 200 after the first login while something can be served, otherwise 503.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.readiness.is_ready().await {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "not ready\n").into_response()
}

/// Responds with all metrics in the text format of Prometheus.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    app.recorder.run_upkeep();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.recorder.render()).into_response()
}
