//! What the handlers of the native API have in common.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use km_proxy_adapter::ErrorKind;
use percent_encoding::percent_decode_str;

use crate::commands::serve::http::error_response;
use crate::error::Failure;

/// The hint of errors about the form of a request.
pub(super) const GUIDE: &str = "see docs/guides/serve.md";

/// Returns the percent-decoded rest of the path after `prefix`.
pub(super) fn path_after(prefix: &str, request: &Request) -> Result<String, Failure> {
    let rest = request.uri().path().strip_prefix(prefix).unwrap_or_default();
    let decoded = percent_decode_str(rest).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| {
        let hint = "percent-encode the UTF-8 bytes of the name";
        Failure::new(ErrorKind::Usage, "usage: the path is not UTF-8", hint)
    })
}

/// Responds 405.
pub(crate) async fn method_not_allowed() -> Response {
    let failure = Failure::new(ErrorKind::Usage, "usage: method not allowed", GUIDE);
    error_response::native_with_status(StatusCode::METHOD_NOT_ALLOWED, &failure)
}
