//! The response of a sidecar: its bounded body, and the document or the error in it.

use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use km_proxy_adapter::ErrorKind;
use km_proxy_adapter::zeroizing::{self, ZeroizingBytes};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::address::SidecarAddress;
use crate::error::{Failure, exit_code};

/// The largest response that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The body of an error response.
#[derive(Deserialize)]
struct ErrorDocument {
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    kind: String,
    message: String,
    #[serde(default)]
    hint: Option<String>,
}

/// Reads the whole response.
///
/// # Errors
///
/// `Unavailable` if it is incomplete or too large.
pub(super) async fn read(
    address: &SidecarAddress,
    response: Response<Incoming>,
) -> Result<(StatusCode, ZeroizingBytes), Failure> {
    let (head, mut body) = response.into_parts();
    let mut bytes = ZeroizingBytes::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| failed(address, "the response is incomplete"))?;
        let Ok(data) = frame.into_data() else { continue };
        if !zeroizing::append(&mut bytes, &data, MAX_BYTES) {
            return Err(failed(address, "the response is larger than 64 MiB"));
        }
    }
    Ok((head.status, bytes))
}

/// Returns the document of a successful response.
///
/// # Errors
///
/// The sidecar's own error, or `Unavailable` if the response is not one of `km serve`.
pub(super) fn parse<T: DeserializeOwned>(
    address: &SidecarAddress,
    status: StatusCode,
    body: &[u8],
) -> Result<T, Failure> {
    // The messages of serde may quote the response.
    let malformed = || {
        let status = status.as_u16();
        failed(address, &format!("the response, with status {status}, is not one of km serve"))
    };
    if status.is_success() {
        return serde_json::from_slice(body).map_err(|_| malformed());
    }
    let ErrorDocument { error } = serde_json::from_slice(body).map_err(|_| malformed())?;
    let kind = exit_code::kind(&error.kind).ok_or_else(malformed)?;
    let hint = match status {
        StatusCode::UNAUTHORIZED => {
            Some("set KM_SERVE_TOKEN_FILE to the --token-file of km serve".to_owned())
        }
        _ => error.hint,
    };
    Err(Failure::with_optional_hint(kind, error.message, hint))
}

/// Returns the failure of a request that was not answered as `km serve` does.
pub(super) fn failed(address: &SidecarAddress, why: &str) -> Failure {
    let hint = "set --server (KM_SERVE_ADDR) to the --listen address of km serve";
    let what = format!("request to km serve at {address}: {why}");
    Failure::new(ErrorKind::Unavailable, what, hint)
}
