//! What is asked by those who look after this process.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};

use super::app::App;

/// The process is there.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// It has logged in once, and something can be served.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.is_ready().await {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "not ready\n").into_response()
}

/// All that was counted, for Prometheus.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    app.recorder.run_upkeep();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.recorder.render()).into_response()
}
