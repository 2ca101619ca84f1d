//! The body of a request: bounded, and wiped when it is dropped.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http::StatusCode;
use http_body_util::BodyExt as _;
use km_proxy_adapter::ErrorKind;
use km_proxy_adapter::zeroizing::{self, ZeroizingBytes};

use crate::error::Failure;

/// The largest body: a value has 768 KiB at most, and JSON escapes some of it.
const MAX_BYTES: usize = 1024 * 1024;

/// How long it may take to come; nothing is changed before it is there.
const WITHIN: Duration = Duration::from_secs(5);

/// All of it.
pub(crate) async fn read(body: Body) -> Result<ZeroizingBytes, (StatusCode, Failure)> {
    tokio::time::timeout(WITHIN, collect(body)).await.unwrap_or_else(|_| {
        let what = "the body took too long to come: nothing was changed";
        let failure = Failure::new(ErrorKind::Unavailable, what, "send it in one piece");
        Err((StatusCode::SERVICE_UNAVAILABLE, failure))
    })
}

async fn collect(mut body: Body) -> Result<ZeroizingBytes, (StatusCode, Failure)> {
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if told > MAX_BYTES {
        return Err(too_large());
    }
    let mut bytes = ZeroizingBytes::new(Vec::with_capacity(told));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| cut_off())?;
        let Ok(data) = frame.into_data() else { continue };
        if !zeroizing::append(&mut bytes, &data, MAX_BYTES) {
            return Err(too_large());
        }
    }
    Ok(bytes)
}

/// A status that clients do not retry.
fn too_large() -> (StatusCode, Failure) {
    let what = "usage: the body is larger than 1 MiB";
    (StatusCode::PAYLOAD_TOO_LARGE, Failure::new(ErrorKind::Usage, what, "store a smaller value"))
}

fn cut_off() -> (StatusCode, Failure) {
    let failure = Failure::new(ErrorKind::Usage, "the body ended too early", "send all of it");
    (StatusCode::BAD_REQUEST, failure)
}
