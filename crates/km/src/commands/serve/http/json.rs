//! JSON responses from memory that is zeroized.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use km_proxy_adapter::json;
use serde::Serialize;

/// Returns a JSON response whose body is one allocation of the exact size, zeroized on drop.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Response {
    match json::to_vec(document) {
        Ok(bytes) => of_json(status, Body::from(Bytes::from_owner(bytes))),
        Err(_) => of_json(StatusCode::INTERNAL_SERVER_ERROR, Body::empty()),
    }
}

/// The same of text that is JSON already and holds no value.
pub(crate) fn of_json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
