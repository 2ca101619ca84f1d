//! A single exchange: sends a request once and interprets the response.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::error::classify::classify;
use crate::error::{Error, ErrorKind};
use crate::json::{self, JsonShape};
use crate::request::Request;
use crate::response::Response;
use crate::token::Token;
use crate::traceparent::Traceparent;
use crate::transport::{Limits, Transport};
use crate::zeroizing::ZeroizingBytes;

const VAULT_REQUEST: HeaderName = HeaderName::from_static("x-vault-request");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const VAULT_TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const VAULT_NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");

/// The maximum size of all response headers, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The outcome of an exchange.
#[expect(clippy::large_enum_variant, reason = "moved once and never stored in a collection")]
pub(crate) enum Exchanged {
    /// A response to the request.
    Final(Response),
    /// A redirect by a standby; contains the `Location`.
    Redirect(HeaderValue),
}

/// Sends `request` to `uri` once.
pub(crate) async fn exchange(
    transport: &dyn Transport,
    uri: Uri,
    request: &Request,
    token: Option<&Token>,
    traceparent: Option<&Traceparent>,
    deadline: Deadline,
) -> Result<Exchanged, Error> {
    let mut limits = Limits::new(deadline, request.max_body_bytes);
    limits.first_byte = request.first_byte_limit;
    let sent_at = Instant::now();
    let mut http_request = http_request(uri, request, token);
    if let Some(traceparent) = traceparent {
        http_request.headers_mut().insert(TRACEPARENT, traceparent.header());
    }
    let received = transport.send(http_request, limits).await;
    let (head, body) = received.map_err(|error| request.transport_error(error))?.into_parts();
    if head.status == StatusCode::TEMPORARY_REDIRECT
        && let Some(location) = head.headers.get(LOCATION)
    {
        return Ok(Exchanged::Redirect(location.clone()));
    }
    let malformed = |detail| {
        Err(request.error(ErrorKind::Malformed).with_status(head.status).with_detail(detail))
    };
    let header_sizes = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if header_sizes.sum::<usize>() > MAX_HEADER_BYTES {
        return malformed("response headers exceed 64 KiB");
    }
    if head.headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        return malformed("unexpected Content-Encoding");
    }
    let response = interpret(request, head.status, &head.headers, body)?;
    Ok(Exchanged::Final(response.with_head(sent_at, head.headers)))
}

/// Builds the HTTP request, headers included.
fn http_request(uri: Uri, request: &Request, token: Option<&Token>) -> http::Request<Bytes> {
    let mut http_request = http::Request::new(request.body.clone());
    *http_request.method_mut() = request.method.clone();
    *http_request.uri_mut() = uri;
    let headers = http_request.headers_mut();
    request.headers.extend(headers);
    headers.insert(VAULT_REQUEST, HeaderValue::from_static("true"));
    if let Some(token) = token {
        headers.insert(VAULT_TOKEN, token.header());
    }
    if let Some(namespace) = &request.namespace {
        headers.insert(VAULT_NAMESPACE, namespace.clone());
    }
    if !request.body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.content_type));
    }
    http_request
}

/// Returns the response, or the error that it reports.
fn interpret(
    request: &Request,
    status: StatusCode,
    headers: &HeaderMap,
    body: ZeroizingBytes,
) -> Result<Response, Error> {
    // For a PATCH of a secret that does not exist, Vault sends a 404 without a body.
    let is_missing_patch_target = status == StatusCode::NOT_FOUND
        && request.method == Method::PATCH
        && body.is_empty()
        && is_json(headers);
    if is_missing_patch_target {
        return Err(request.error(ErrorKind::NotFound).with_status(status));
    }
    if let Some(reported) = classify(status, &body, request.accept_not_found_data) {
        let after = headers.get(RETRY_AFTER).and_then(seconds);
        let error = request.error(reported.kind).with_status(status).with_retry_after(after);
        let error = error.with_messages(reported.messages);
        // A 4xx means that the request was not executed, whether Vault or a gateway sent it.
        return Err(if status.is_client_error() { error.mark_not_executed() } else { error });
    }
    let malformed =
        |detail| request.error(ErrorKind::Malformed).with_status(status).with_detail(detail);
    if status == StatusCode::NO_CONTENT || request.method == Method::HEAD {
        return Ok(Response::new(status, body, request));
    }
    if !is_json(headers) {
        let response = Response::new(status, body, request).without_json();
        return if request.accept_any_content {
            Ok(response)
        } else {
            Err(malformed("unexpected Content-Type"))
        };
    }
    // JSON must be an envelope without errors, or JSON without errors if that is accepted.
    match json::validate(&body) {
        Some(JsonShape::Object) => Ok(Response::new(status, body, request)),
        Some(JsonShape::Errors) => Err(malformed("success status with errors")),
        Some(_) if request.accept_any_content => Ok(Response::new(status, body, request)),
        Some(_) => Err(malformed("not a JSON object")),
        None => Err(malformed("invalid JSON or duplicate names")),
    }
}

/// Parses `Retry-After` in seconds, saturating. Returns `None` for a date.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    let digits = value.to_str().ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}
