//! Telemetry of attempts: a span and metrics. [`metrics.md`] lists them.
//!
//! An attempt is one HTTP request, including a redirect to the active node. The time in the queue
//! for a permit and the wait before a retry are not part of it.
//!
//! [`metrics.md`]: https://github.com/key-manager/km/blob/main/docs/reference/metrics.md

mod recorder;
mod span;
#[cfg(test)]
mod tests;

use std::future::Future;

use http::Method;
use tokio::time::Instant;

use self::span::AttemptSpan;
use crate::address::Address;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Response;

/// Runs an attempt in its span, and records its duration and its outcome. `resends` is the number
/// of earlier attempts.
pub(super) async fn observe(
    address: &Address,
    request: &Request,
    resends: u32,
    attempt: impl Future<Output = Result<Response, Error>>,
) -> Result<Response, Error> {
    let started = Instant::now();
    let method = method_name(&request.method);
    let span = AttemptSpan::new(address, request, method, resends);
    let outcome = span.enter(attempt).await;
    span.record(&outcome);
    let name = outcome.as_ref().map_or_else(|error| error.kind().name(), |_| "success");
    recorder::duration(method, name, started.elapsed());
    outcome
}

/// Counts a retry after an error of `kind`.
pub(super) fn retry(kind: ErrorKind) {
    recorder::retry(kind.name());
}

/// Returns the name of a method as a label. The set of names is fixed because a caller may use any
/// method.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "_OTHER",
    }
}
