//! Which source a name is looked up in first, and what a failed read of Vault means for the
//! fallback. Pure.
//!
//! [`Settings::environment_may_provide`] decides whether the environment is used at all.

use km_settings::{AccessMode, Settings, VaultOutcome};
use vault_http::ApiPath;

use crate::error::{Error, ErrorKind};
use crate::name;
use crate::ownership::is_virtual_key;
use crate::read::load_error::LoadFailure;

/// The place where a secret is looked up first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretLocation {
    /// Vault.
    Vault {
        /// The path of the request, below `/v1/`.
        path: ApiPath,
        /// The field that stores the value.
        field: String,
    },
    /// The process environment.
    Environment,
}

/// The source that a name is looked up in first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Vault, through the cache.
    Vault,
    /// The process environment; no request is sent.
    Environment,
    /// None: the name is a virtual key, which is not a provider secret.
    VirtualKey,
}

/// Returns the source of a name.
pub(crate) fn route(settings: &Settings, name: &str) -> Route {
    if is_virtual_key(settings, name) {
        return Route::VirtualKey;
    }
    let reads = match settings.access_mode {
        AccessMode::ReadOnly | AccessMode::ReadAndWrite => true,
        AccessMode::WriteOnly => false,
    };
    let hosted = settings.hosted_keys.as_ref().is_none_or(|hosted| hosted.contains(name));
    if reads && hosted { Route::Vault } else { Route::Environment }
}

/// Returns whether a name is a provider key that is read from Vault.
pub(crate) fn is_provider_key(settings: &Settings, name: &str) -> bool {
    !name.is_empty() && name::parse(name).is_ok() && route(settings, name) == Route::Vault
}

/// Returns the error of reading a virtual key as a provider secret.
pub(crate) fn virtual_key_denied(name: &str) -> Error {
    not_a_provider_secret(&format!("read {name}"))
}

/// Returns the error of an operation on a virtual key as if it were a provider secret.
pub(crate) fn not_a_provider_secret(operation: &str) -> Error {
    let what = format!("{operation}: permission denied: virtual keys are not provider secrets");
    Error::new(ErrorKind::Denied, what).with_hint("use `km key` for virtual keys")
}

/// Returns what a failed read means for the fallback to the environment.
pub(crate) fn outcome(failure: &LoadFailure) -> VaultOutcome {
    if failure.is_definite_miss() {
        VaultOutcome::NotFound
    } else if failure.is_mount_missing() {
        VaultOutcome::LocationMissing
    } else {
        VaultOutcome::Failed
    }
}
