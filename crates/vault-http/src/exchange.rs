//! One request and its answer on one connection, before anything is tried again.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::classify::classify;
use crate::error::Error;
use crate::json::{self, JsonShape};
use crate::kind::Kind;
use crate::request::Request;
use crate::response::Response;
use crate::tls;
use crate::token::Token;
use crate::transport::{MAX_HEADER_BYTES, Pool};
use crate::zeroizing::{self, ZeroizingBytes};

/// Largest answer that is read, in bytes. The largest secret that Vault stores is 1 MiB.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Time from sending a request to the first byte of its answer, a connection included.
const FIRST_BYTE: Duration = Duration::from_secs(2);

/// What came back.
pub(crate) enum Answer {
    /// An answer to read.
    Here(Response),
    /// A standby's word that somebody else answers.
    Elsewhere(HeaderValue),
}

/// Sends `request` to `uri` once.
pub(crate) async fn exchange(
    pool: &Pool,
    uri: Uri,
    request: &Request,
    token: Option<&Token>,
) -> Result<Answer, Error> {
    let sending = pool.request(outgoing(uri, request, token));
    let answer = match tokio::time::timeout(FIRST_BYTE, sending).await {
        Ok(outcome) => outcome.map_err(|error| send_error(request, error))?,
        Err(_) => {
            return Err(request.error(Kind::Timeout).with_detail("no first byte within 2 s"));
        }
    };
    let (head, body) = answer.into_parts();
    if head.status == StatusCode::TEMPORARY_REDIRECT
        && let Some(location) = head.headers.get(LOCATION)
    {
        return Ok(Answer::Elsewhere(location.clone()));
    }
    // The parser's own bound counts what it has kept, which may be twice as much.
    let sizes = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if sizes.sum::<usize>() > MAX_HEADER_BYTES {
        let error = request.error(Kind::Malformed).with_status(head.status);
        return Err(error.with_detail("it has more than 64 KiB of headers"));
    }
    let body = read(request, &head.headers, body).await.map_err(|e| e.with_status(head.status))?;
    settle(request, head.status, &head.headers, body).map(Answer::Here)
}

fn outgoing(uri: Uri, request: &Request, token: Option<&Token>) -> http::Request<Full<Bytes>> {
    let mut outgoing = http::Request::new(Full::new(request.body.clone()));
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = uri;
    let headers = outgoing.headers_mut();
    headers.insert("x-vault-request", HeaderValue::from_static("true"));
    if let Some(token) = token {
        headers.insert("x-vault-token", token.header());
    }
    if let Some(namespace) = &request.namespace {
        headers.insert("x-vault-namespace", namespace.clone());
    }
    if !request.body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.content_type));
    }
    outgoing
}

/// What a failure before the first byte of an answer means.
fn send_error(request: &Request, error: hyper_util::client::legacy::Error) -> Error {
    if let Some(detail) = tls::failure(&error) {
        // On a connection that stood already, the request may have been read before.
        let connecting = error.is_connect();
        let error = request.error(Kind::Tls).with_detail(detail).with_source(error);
        return if connecting { error } else { error.doubtful() };
    }
    if error.is_connect() {
        return request.error(Kind::Unreachable).with_source(error);
    }
    let cause = error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    if cause.is_some_and(hyper::Error::is_parse) {
        let detail = "it is no HTTP, or has more than 100 headers or 64 KiB of them";
        return request.error(Kind::Malformed).with_detail(detail).with_source(error);
    }
    let unsent = cause.is_some_and(hyper::Error::is_canceled);
    let error = request.error(Kind::Interrupted).with_source(error);
    if unsent { error.unsent() } else { error }
}

/// Reads the whole body, within its bound.
async fn read(
    request: &Request,
    headers: &HeaderMap,
    mut body: Incoming,
) -> Result<ZeroizingBytes, Error> {
    let malformed = |detail| request.error(Kind::Malformed).with_detail(detail);
    if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        return Err(malformed("it is compressed, which was not asked for"));
    }
    let mut buffer = ZeroizingBytes::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| request.error(Kind::Interrupted).with_source(error))?;
        let fits = frame
            .data_ref()
            .is_none_or(|data| zeroizing::append(&mut buffer, data, MAX_BODY_BYTES));
        if !fits {
            return Err(malformed("it is larger than 4 MiB"));
        }
    }
    Ok(buffer)
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
        return Err(request.error(Kind::NotFound).with_status(status));
    }
    if let Some(kind) = classify(status, &body) {
        let after = headers.get(RETRY_AFTER).and_then(seconds);
        return Err(request.error(kind).with_status(status).with_retry_after(after));
    }
    let malformed = |detail| request.error(Kind::Malformed).with_status(status).with_detail(detail);
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
