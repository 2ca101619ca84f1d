//! Maps errors of `reqwest` to [`TransportError`]s by their source chain.

use std::error::Error as StdError;

use super::tls::handshake_error;
use crate::error::{ErrorKind, Executed};
use crate::transport::TransportError;

/// Maps an error that occurred after the head of the response had been received.
pub(super) fn body_error(error: reqwest::Error) -> TransportError {
    TransportError::new(ErrorKind::Interrupted).with_source(error.without_url())
}

/// Maps an error that occurred before the head of the response had been received.
pub(super) fn request_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let is_connect = error.is_connect();
    if let Some(detail) = handshake_error::find_description(&error) {
        // A TLS error on an established connection may follow a request that the server has read.
        let executed = if is_connect { Executed::No } else { Executed::Maybe };
        return TransportError::new(ErrorKind::Tls)
            .with_executed(executed)
            .with_detail(detail)
            .with_source(error);
    }
    if is_connect {
        return TransportError::new(ErrorKind::Unreachable).with_source(error);
    }
    let hyper_error = find_source::<hyper::Error>(&error);
    if hyper_error.is_some_and(hyper::Error::is_parse) {
        return TransportError::new(ErrorKind::Malformed)
            .with_detail("invalid HTTP or too many headers")
            .with_source(error);
    }
    // A request is canceled if its connection closed before it was written.
    let is_unsent = hyper_error.is_some_and(hyper::Error::is_canceled);
    let interrupted = TransportError::new(ErrorKind::Interrupted);
    let interrupted = if is_unsent { interrupted.with_executed(Executed::No) } else { interrupted };
    interrupted.with_source(error)
}

/// Returns the first error of type `E` in the source chain of `error`, itself included.
pub(super) fn find_source<'e, E: StdError + 'static>(
    error: &'e (dyn StdError + 'static),
) -> Option<&'e E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Creates the error of a request that cannot be sent.
pub(super) fn invalid_request(
    detail: &'static str,
    error: impl StdError + Send + Sync + 'static,
) -> TransportError {
    TransportError::new(ErrorKind::Rejected).with_detail(detail).with_source(error)
}
