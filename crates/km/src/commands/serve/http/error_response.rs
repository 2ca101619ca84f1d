//! Error responses, in the form of either API.

use axum::response::Response;
use http::StatusCode;
use km_proxy_adapter::ErrorKind;
use serde::Serialize;

use super::json;
use crate::commands::serve::api::Api;
use crate::error::Failure;

/// Returns an error response in the form of the API.
pub(crate) fn response(api: Api, status: StatusCode, failure: &Failure) -> Response {
    match api {
        Api::Native => native_with_status(status, failure),
        Api::Vault => {
            let messages: Vec<_> = failure.problems().map(|(message, _)| message).collect();
            vault(status, &messages)
        }
    }
}

/// Returns an error response of the native API, with the status of the failure's kind.
pub(crate) fn native(failure: &Failure) -> Response {
    native_with_status(status(failure.kind()), failure)
}

/// Returns an error response of the native API.
pub(crate) fn native_with_status(status: StatusCode, failure: &Failure) -> Response {
    json::from_text(status, failure.json())
}

/// Returns an error response of the Vault API.
pub(crate) fn vault(status: StatusCode, errors: &[&str]) -> Response {
    #[derive(Serialize)]
    struct Errors<'a> {
        errors: &'a [&'a str],
    }
    json::response(status, &Errors { errors })
}

const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Usage | ErrorKind::Settings => StatusCode::BAD_REQUEST,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::StoredValue => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Auth | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
