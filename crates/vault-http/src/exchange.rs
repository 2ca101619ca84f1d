//! One request and its answer on one connection, before anything is tried again.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use tokio::time::Instant;

use crate::classify::classify;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::json::{self, JsonShape};
use crate::kind::ErrorKind;
use crate::request::Request;
use crate::response::Response;
use crate::token::Token;
use crate::transport::{Limits, Transport};
use crate::zeroizing::ZeroizingBytes;

/// Largest answer that is read, in bytes. The largest secret that Vault stores is 1 MiB.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The headers that Vault reads.
const VAULT_REQUEST: HeaderName = HeaderName::from_static("x-vault-request");
const VAULT_TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const VAULT_NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");

/// The largest head of a response, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What came back.
#[expect(clippy::large_enum_variant, reason = "moved once and never stored")]
pub(crate) enum Exchanged {
    /// A response to read.
    Final(Response),
    /// A standby's redirect to the node that answers.
    Redirect(HeaderValue),
}

/// Sends `request` to `uri` once.
pub(crate) async fn exchange(
    transport: &dyn Transport,
    uri: Uri,
    request: &Request,
    token: Option<&Token>,
    deadline: Deadline,
) -> Result<Exchanged, Error> {
    let mut limits = Limits::new(deadline, MAX_BODY_BYTES);
    limits.first_byte = request.first_byte_limit;
    let sent_at = Instant::now();
    let sent = transport.send(outgoing(uri, request, token), limits).await;
    let (head, body) = sent.map_err(|error| request.failed(error))?.into_parts();
    if head.status == StatusCode::TEMPORARY_REDIRECT
        && let Some(location) = head.headers.get(LOCATION)
    {
        return Ok(Exchanged::Redirect(location.clone()));
    }
    let malformed = |detail| {
        Err(request.error(ErrorKind::Malformed).with_status(head.status).with_detail(detail))
    };
    let sizes = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if sizes.sum::<usize>() > MAX_HEADER_BYTES {
        return malformed("it has more than 64 KiB of headers");
    }
    if head.headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        return malformed("it is compressed, which was not asked for");
    }
    let response = settle(request, head.status, &head.headers, body)?;
    Ok(Exchanged::Final(response.with_times(sent_at, &head.headers)))
}

fn outgoing(uri: Uri, request: &Request, token: Option<&Token>) -> http::Request<Bytes> {
    let mut outgoing = http::Request::new(request.body.clone());
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = uri;
    let headers = outgoing.headers_mut();
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
    outgoing
}

/// Tells an answer from an error.
fn settle(
    request: &Request,
    status: StatusCode,
    headers: &HeaderMap,
    body: ZeroizingBytes,
) -> Result<Response, Error> {
    // A patch of nothing is answered with nothing.
    let patch_of_nothing = status == StatusCode::NOT_FOUND
        && request.method == Method::PATCH
        && body.is_empty()
        && is_json(headers);
    if patch_of_nothing {
        return Err(request.error(ErrorKind::NotFound).with_status(status));
    }
    if let Some(kind) = classify(status, &body, request.not_found_data) {
        let after = headers.get(RETRY_AFTER).and_then(seconds);
        let error = request.error(kind).with_status(status).with_retry_after(after);
        // Whoever refused it, a gateway or Vault, did nothing.
        return Err(if status.is_client_error() { error.mark_not_executed() } else { error });
    }
    let malformed =
        |detail| request.error(ErrorKind::Malformed).with_status(status).with_detail(detail);
    // 204 says nothing more; everything else is an envelope without errors.
    if status != StatusCode::NO_CONTENT {
        if !is_json(headers) {
            return Err(malformed("it does not say that it is JSON"));
        }
        match json::validate(&body) {
            Some(JsonShape::Object) => {}
            Some(JsonShape::Errors) => {
                return Err(malformed("it says that it worked, and has errors"));
            }
            Some(_) => return Err(malformed("it is JSON, but no object")),
            None => return Err(malformed("it is no JSON, or JSON with two meanings")),
        }
    }
    Ok(Response::new(status, body, request))
}

/// A number of seconds, however large; a date is none.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    let digits = value.to_str().ok()?;
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| Duration::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}
