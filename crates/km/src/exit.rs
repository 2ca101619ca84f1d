//! Exit codes and the names of error kinds, as scripts rely on them.

use km_proxy_adapter::Kind;

/// The exit code of a kind.
pub(crate) const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Usage | Kind::Settings => 2,
        Kind::Auth => 3,
        Kind::Unavailable => 4,
        Kind::Denied => 5,
        Kind::NotFound => 6,
        Kind::Conflict => 7,
        Kind::StoredValue => 8,
    }
}

/// The name of a kind in JSON.
pub(crate) const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Internal => "internal",
        Kind::Usage => "usage",
        Kind::Settings => "settings",
        Kind::Auth => "auth",
        Kind::Unavailable => "unavailable",
        Kind::Denied => "denied",
        Kind::NotFound => "not_found",
        Kind::Conflict => "conflict",
        Kind::StoredValue => "stored_value",
    }
}
