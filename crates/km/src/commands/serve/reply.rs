//! Answers as JSON, from memory that is wiped.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use zeroize::Zeroizing;

/// What an answer has beside its values.
const ENVELOPE_BYTES: usize = 1024;

/// A JSON answer. `secret` is how many bytes of values are in it, so that it is written in one
/// piece, which is wiped.
pub(super) fn json(status: StatusCode, document: &impl Serialize, secret: usize) -> Response {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ENVELOPE_BYTES + 2 * secret));
    let written = serde_json::to_writer(&mut *bytes, document);
    let status = if written.is_ok() { status } else { StatusCode::INTERNAL_SERVER_ERROR };
    of_json(status, Body::from(Bytes::from_owner(bytes)))
}

/// The same of text that is JSON already and holds no value.
pub(super) fn of_json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
