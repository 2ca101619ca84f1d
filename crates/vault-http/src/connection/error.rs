//! What an error of `reqwest` means, by its causes in three libraries.

use std::error::Error as StdError;

use super::tls::handshake_error;
use crate::error::{ErrorKind, Executed};
use crate::transport::TransportError;

/// A failure after the head of a response.
pub(super) fn interrupted(error: reqwest::Error) -> TransportError {
    TransportError::new(ErrorKind::Interrupted).with_source(error.without_url())
}

/// A failure before the head of a response.
pub(super) fn failure(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let connecting = error.is_connect();
    if let Some(detail) = handshake_error::find_description(&error) {
        // On a connection that was open already, the request may have been read before.
        let executed = if connecting { Executed::No } else { Executed::Maybe };
        let failed = TransportError::new(ErrorKind::Tls).with_executed(executed);
        return failed.with_detail(detail).with_source(error);
    }
    if connecting {
        return TransportError::new(ErrorKind::Unreachable).with_source(error);
    }
    let cause = find::<hyper::Error>(&error);
    if cause.is_some_and(hyper::Error::is_parse) {
        let detail = "it is not HTTP, or has too many headers";
        return TransportError::new(ErrorKind::Malformed).with_detail(detail).with_source(error);
    }
    let unsent = cause.is_some_and(hyper::Error::is_canceled);
    let failed = TransportError::new(ErrorKind::Interrupted);
    let failed = if unsent { failed.with_executed(Executed::No) } else { failed };
    failed.with_source(error)
}

/// The first cause of `error` that is an `E`.
pub(super) fn find<'e, E: StdError + 'static>(
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
