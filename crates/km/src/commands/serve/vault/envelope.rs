//! Vault's own forms of an answer: the envelope, and its errors with their statuses.

use std::collections::BTreeMap;

use axum::response::Response;
use http::StatusCode;
use km_proxy_adapter::{Error, ErrorKind, Reason, VersionMetadata};
use serde::Serialize;

use crate::commands::serve::http::json as reply;
use crate::error::Failure;

/// What Vault says where a policy forbids something.
const PERMISSION_DENIED: &str = "1 error occurred:\n\t* permission denied\n\n";

const UNSUPPORTED: &str = "1 error occurred:\n\t* unsupported operation\n\n";

/// What each answer of an engine stands in.
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

/// Version metadata in Vault's form: an empty time is none, and no custom metadata is `null`.
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
pub(super) fn data(status: StatusCode, data: impl Serialize, of: &'static str) -> Response {
    let envelope = Envelope {
        request_id: request_id(),
        lease_id: "",
        renewable: false,
        lease_duration: 0,
        data,
        wrap_info: None,
        warnings: None,
        auth: None,
        mount_type: of,
    };
    reply::json(status, &envelope)
}

/// The answer to a change that gives nothing back.
pub(super) fn ended(outcome: Option<Result<(), Error>>) -> Response {
    match outcome {
        Some(Ok(())) => done(),
        Some(Err(error)) => failed(&error),
        None => broken_off(),
    }
}

/// This process ends, or has a bug: nobody knows what became of it.
pub(super) fn broken_off() -> Response {
    let what = "the change was broken off: it may have been made";
    errors(StatusCode::INTERNAL_SERVER_ERROR, &[what])
}

/// Done, and nothing to say.
fn done() -> Response {
    let mut answer = Response::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// Nothing is there.
pub(super) fn missing() -> Response {
    errors(StatusCode::NOT_FOUND, &[])
}

/// The answer to an operation that failed.
pub(super) fn failed(error: &Error) -> Response {
    match error.reason() {
        Reason::Missing => return missing(),
        Reason::Gone(metadata) => return gone(metadata),
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
        // Whether it was executed is not known; Vault says the same of a leader that was lost.
        ErrorKind::Conflict | ErrorKind::Internal => {
            errors(StatusCode::INTERNAL_SERVER_ERROR, &[&message])
        }
    }
}

/// A deleted version: no data, and what is known about it.
fn gone(metadata: &VersionMetadata) -> Response {
    #[derive(Serialize)]
    struct Gone<'a> {
        data: Option<()>,
        metadata: Metadata<'a>,
    }
    let body = Gone { data: None, metadata: metadata.into() };
    data(StatusCode::NOT_FOUND, body, "")
}

/// What this process forbids.
pub(super) fn denied(why: &str) -> Response {
    errors(StatusCode::FORBIDDEN, &[PERMISSION_DENIED, &format!("km: {why}")])
}

pub(super) fn bad_request(why: &str) -> Response {
    errors(StatusCode::BAD_REQUEST, &[why])
}

pub(super) fn unsupported() -> Response {
    errors(StatusCode::METHOD_NOT_ALLOWED, &[UNSUPPORTED])
}

/// What the guard of all doors refuses.
pub(crate) fn refused(status: StatusCode, failure: &Failure) -> Response {
    let lines: Vec<_> = failure.problems().map(|(message, _)| message).collect();
    errors(status, &lines)
}

fn errors(status: StatusCode, errors: &[&str]) -> Response {
    #[derive(Serialize)]
    struct Errors<'a> {
        errors: &'a [&'a str],
    }
    reply::json(status, &Errors { errors })
}

/// The form of a UUID: clients take it for one.
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
