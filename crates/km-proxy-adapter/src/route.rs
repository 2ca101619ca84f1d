//! Which source is asked for a name first, and what an answer of Vault means for the next: pure
//! policy. Whether the environment may answer is [`Settings::environment_may_provide`]'s decision.

use km_settings::{AccessMode, Settings, VaultOutcome};

use crate::error::{Error, ErrorKind};
use crate::load::Failure;
use crate::name;
use crate::ownership::is_virtual_key;

/// Who is asked for a name first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Vault.
    Vault,
    /// The process environment; Vault sees no request.
    Environment,
    /// Nobody: the name is that of a virtual key, which is not a provider secret.
    VirtualKey,
}

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

/// Whether what Vault holds under this name is a key that a gateway asks for by it.
pub(crate) fn is_provider_key(settings: &Settings, name: &str) -> bool {
    !name.is_empty() && name::parse(name).is_ok() && route(settings, name) == Route::Vault
}

/// The error for a virtual key that is read as a provider secret.
pub(crate) fn virtual_key(name: &str) -> Error {
    let what = format!("read {name}: permission denied: virtual keys are not provider secrets");
    Error::new(ErrorKind::Denied, what).with_hint("read a virtual key with `km key read`")
}

/// What a failed read means for the environment.
pub(crate) fn outcome(failure: &Failure) -> VaultOutcome {
    if failure.is_definite_miss() {
        VaultOutcome::NotFound
    } else if failure.is_misplaced() {
        VaultOutcome::LocationMissing
    } else {
        VaultOutcome::Failed
    }
}
