//! Exit codes and the JSON names of error kinds. Scripts depend on both.

use km_proxy_adapter::ErrorKind;

/// Returns the exit code of an error kind.
pub(crate) const fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Internal => 1,
        ErrorKind::Usage | ErrorKind::Settings => 2,
        ErrorKind::Auth => 3,
        ErrorKind::Unavailable => 4,
        ErrorKind::Denied => 5,
        ErrorKind::NotFound => 6,
        ErrorKind::Conflict => 7,
        ErrorKind::StoredValue => 8,
    }
}

/// Returns the name of an error kind in JSON, logs and metrics.
pub(crate) const fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Internal => "internal",
        ErrorKind::Usage => "usage",
        ErrorKind::Settings => "settings",
        ErrorKind::Auth => "auth",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Denied => "denied",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::StoredValue => "stored_value",
    }
}

/// All kinds, in the order of their exit codes.
pub(crate) const KINDS: [ErrorKind; 9] = [
    ErrorKind::Internal,
    ErrorKind::Usage,
    ErrorKind::Settings,
    ErrorKind::Auth,
    ErrorKind::Unavailable,
    ErrorKind::Denied,
    ErrorKind::NotFound,
    ErrorKind::Conflict,
    ErrorKind::StoredValue,
];

/// Returns the error kind with this [`name`].
pub(crate) fn kind(text: &str) -> Option<ErrorKind> {
    KINDS.into_iter().find(|kind| name(*kind) == text)
}
