//! Responses in Vault's form: the envelope, and errors with their status codes.

use std::collections::BTreeMap;

use axum::response::Response;
use http::StatusCode;
use km_proxy_adapter::{Error, ErrorKind, Reason, VersionMetadata};
use serde::Serialize;

use crate::commands::serve::http::error_response::vault as errors;
use crate::commands::serve::http::json;

/// The message of Vault if a policy denies a request.
const PERMISSION_DENIED: &str = "1 error occurred:\n\t* permission denied\n\n";

/// The message of Vault if an endpoint does not support a method.
const UNSUPPORTED: &str = "1 error occurred:\n\t* unsupported operation\n\n";

/// The object around the data of a response.
#[derive(Serialize)]
struct Envelope<T> {
    request_id: String,
    lease_id: &'static str,
    renewable: bool,
    lease_duration: u64,
    data: T,
    wrap_info: Option<()>,
    warnings: Option<()>,
    auth: Option<()>,
    mount_type: &'static str,
}

/// The metadata of a version as Vault serializes it: a time that is not set is empty, custom
/// metadata that is not set is `null`.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are Vault's")]
pub(super) struct Metadata<'a> {
    created_time: &'a str,
    custom_metadata: Option<&'a BTreeMap<String, String>>,
    deletion_time: &'a str,
    destroyed: bool,
    version: u64,
}

impl<'a> From<&'a VersionMetadata> for Metadata<'a> {
    fn from(metadata: &'a VersionMetadata) -> Self {
        let custom = &metadata.custom_metadata;
        Self {
            created_time: &metadata.created_time,
            custom_metadata: (!custom.is_empty()).then_some(custom),
            deletion_time: metadata.deletion_time.as_deref().unwrap_or_default(),
            destroyed: metadata.destroyed,
            version: metadata.version,
        }
    }
}

/// Returns data in Vault's envelope.
pub(super) fn data(status: StatusCode, data: impl Serialize, mount_type: &'static str) -> Response {
    let envelope = Envelope {
        request_id: request_id(),
        lease_id: "",
        renewable: false,
        lease_duration: 0,
        data,
        wrap_info: None,
        warnings: None,
        auth: None,
        mount_type,
    };
    json::response(status, &envelope)
}

/// Returns the response to a change that has no data: 204, or the error. `None` is an interrupted
/// change.
pub(super) fn no_content(outcome: Option<Result<(), Error>>) -> Response {
    match outcome {
        Some(Ok(())) => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Some(Err(error)) => failed(&error),
        None => interrupted(),
    }
}

/// Returns the response to a change whose task was aborted or panicked, so that its outcome is
/// unknown.
pub(super) fn interrupted() -> Response {
    let what = "interrupted: the change may have been executed";
    errors(StatusCode::INTERNAL_SERVER_ERROR, &[what])
}

/// Returns 404 without a message, as Vault does for a path that does not exist.
pub(super) fn not_found() -> Response {
    errors(StatusCode::NOT_FOUND, &[])
}

/// Returns the response to an operation that failed.
pub(super) fn failed(error: &Error) -> Response {
    match error.reason() {
        Reason::Missing => return not_found(),
        Reason::Gone(metadata) => return deleted(metadata),
        Reason::CasMismatch => {
            return bad_request("check-and-set parameter did not match the current version");
        }
        Reason::CasRequired => {
            return bad_request("check-and-set parameter required for this call");
        }
        _ => {}
    }
    let message = error.message();
    match error.kind() {
        ErrorKind::Usage | ErrorKind::Settings | ErrorKind::StoredValue => bad_request(&message),
        ErrorKind::Denied => denied(&message),
        ErrorKind::NotFound => errors(StatusCode::NOT_FOUND, &[&message]),
        ErrorKind::Auth | ErrorKind::Unavailable => {
            errors(StatusCode::SERVICE_UNAVAILABLE, &[&message])
        }
        // The outcome is unknown. Vault responds 500 as well if it loses its leader meanwhile.
        ErrorKind::Conflict | ErrorKind::Internal => {
            errors(StatusCode::INTERNAL_SERVER_ERROR, &[&message])
        }
    }
}

/// Returns the response for a deleted version: 404 with metadata and without data.
fn deleted(metadata: &VersionMetadata) -> Response {
    #[derive(Serialize)]
    struct Deleted<'a> {
        data: Option<()>,
        metadata: Metadata<'a>,
    }
    let body = Deleted { data: None, metadata: metadata.into() };
    data(StatusCode::NOT_FOUND, body, "")
}

/// Returns 403, with Vault's message and the reason.
pub(super) fn denied(why: &str) -> Response {
    errors(StatusCode::FORBIDDEN, &[PERMISSION_DENIED, &format!("km: {why}")])
}

pub(super) fn bad_request(why: &str) -> Response {
    errors(StatusCode::BAD_REQUEST, &[why])
}

pub(super) fn unsupported() -> Response {
    errors(StatusCode::METHOD_NOT_ALLOWED, &[UNSUPPORTED])
}

/// Returns a random UUID (version 4).
fn request_id() -> String {
    let id = fastrand::u128(..);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        id >> 96,
        (id >> 80) & 0xffff,
        (id >> 64) & 0xfff,
        ((id >> 48) & 0x3fff) | 0x8000,
        id & 0xffff_ffff_ffff
    )
}
