//! Who is asked for a name, and who is asked next: pure policy.

use km_settings::{AccessMode, Fallback, Settings};

use crate::load::Failure;
use crate::name;

/// Who is asked for a name first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Vault.
    Vault,
    /// The process environment; Vault sees no request.
    Environment,
}

pub(crate) fn route(settings: &Settings, name: &str) -> Route {
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

/// Whether the environment is asked after Vault answered with `failure`.
pub(crate) fn falls_back(policy: Fallback, failure: &Failure) -> bool {
    match policy {
        Fallback::Never => false,
        Fallback::OnMissing => failure.is_definite_miss(),
        // A missing mount or namespace is a mistake of the configuration: nothing may hide it.
        Fallback::OnError => !failure.is_misplaced(),
    }
}

/// Whether the environment is asked where Vault holds something without a usable value.
pub(crate) fn falls_back_from_unusable(policy: Fallback) -> bool {
    match policy {
        Fallback::Never | Fallback::OnMissing => false,
        Fallback::OnError => true,
    }
}
