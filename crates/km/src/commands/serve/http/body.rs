//! Reads the body of a request into a bounded buffer that is zeroized on drop.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http::StatusCode;
use http_body_util::BodyExt as _;
use km_proxy_adapter::ErrorKind;
use km_proxy_adapter::zeroizing::{self, ZeroizingBytes};

use crate::error::Failure;

/// The largest body, in bytes. A value has 768 KiB at most, and JSON escapes some of it.
const MAX_BYTES: usize = 1024 * 1024;

/// The time limit for receiving a body. Nothing is changed before it is complete.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the whole body.
///
/// # Errors
///
/// 413 if it is too large, 503 if it takes longer than [`TIMEOUT`], 400 if it is incomplete.
pub(crate) async fn read(body: Body) -> Result<ZeroizingBytes, (StatusCode, Failure)> {
    tokio::time::timeout(TIMEOUT, collect(body)).await.unwrap_or_else(|_| {
        let what = format!("read the body: timed out after {TIMEOUT:?}; nothing was changed");
        let failure = Failure::new(ErrorKind::Unavailable, what, "send the whole body at once");
        Err((StatusCode::SERVICE_UNAVAILABLE, failure))
    })
}

async fn collect(mut body: Body) -> Result<ZeroizingBytes, (StatusCode, Failure)> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BYTES {
        return Err(too_large());
    }
    let mut bytes = ZeroizingBytes::new(Vec::with_capacity(announced));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| incomplete())?;
        let Ok(data) = frame.into_data() else { continue };
        if !zeroizing::append(&mut bytes, &data, MAX_BYTES) {
            return Err(too_large());
        }
    }
    Ok(bytes)
}

/// Returns 413, which clients do not retry.
fn too_large() -> (StatusCode, Failure) {
    let what = "usage: the body is larger than 1 MiB";
    (StatusCode::PAYLOAD_TOO_LARGE, Failure::new(ErrorKind::Usage, what, "store a smaller value"))
}

fn incomplete() -> (StatusCode, Failure) {
    let failure =
        Failure::new(ErrorKind::Usage, "read the body: incomplete", "send the whole body");
    (StatusCode::BAD_REQUEST, failure)
}
