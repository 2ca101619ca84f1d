//! JSON responses from memory that is zeroized.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use km_proxy_adapter::json;
use serde::Serialize;

/// Returns a JSON response whose body is one allocation of the exact size, zeroized on drop.
pub(crate) fn response(status: StatusCode, document: &impl Serialize) -> Response {
    match json::to_vec(document) {
        Ok(bytes) => from_text(status, Body::from(Bytes::from_owner(bytes))),
        Err(_) => from_text(StatusCode::INTERNAL_SERVER_ERROR, Body::empty()),
    }
}

/// Returns a JSON response from text that is already JSON and contains no secret.
pub(crate) fn from_text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
