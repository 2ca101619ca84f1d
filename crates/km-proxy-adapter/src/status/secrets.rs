//! The status of the names that the cache knows.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use km_settings::Settings;
use secret_cache::{KeyState, KeyStatus, Version};

use crate::error::{ErrorKind, convert};
use crate::inner::Inner;
use crate::name::Name;
use crate::ownership::{configured_names, is_virtual_key};
use crate::read::load_error::LoadFailure;
use crate::read::secret::Source;
use crate::route::{Route, outcome, route};

/// The status of a secret that the cache knows.
#[derive(Debug)]
#[non_exhaustive]
pub struct SecretStatus {
    /// The name.
    pub name: String,
    /// The version of the cached value; `None` if there is none.
    pub version: Option<u64>,
    /// The age of the cached value; `None` if there is none.
    pub age: Option<Duration>,
    /// The state.
    pub state: SecretState,
    /// The source of the value that a reader receives; `None` if there is no value.
    pub source: Option<Source>,
    /// The time until it is due for a refresh, or may be loaded again after a failure. A secret that
    /// is not in use is only refreshed by its next reader.
    pub refresh_in: Option<Duration>,
    /// The kind of the error of the last load, if that failed.
    pub error: Option<ErrorKind>,
}

/// The state of a secret in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// The value is within its refresh interval.
    Fresh,
    /// The value is past its refresh interval.
    Stale,
    /// There is no value, and the error of the last load is cached.
    Negative,
    /// There is no value yet, and it is being loaded.
    Loading,
}

type Key = (Name, KeyStatus<LoadFailure>);

/// Returns the statuses of the provider secrets and of the virtual keys, sorted by name.
pub(super) fn statuses(
    inner: &Inner,
    keys: HashMap<Name, KeyStatus<LoadFailure>>,
) -> (Vec<SecretStatus>, Vec<SecretStatus>) {
    let settings = &inner.settings;
    let mut keys: Vec<Key> = keys.into_iter().collect();
    keys.sort_unstable_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    let configured = configured_names(settings).collect();
    let is_key = |(name, _): &Key| may_be_virtual_key(settings, &configured, name.as_str());
    let (virtual_keys, secrets): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_key);
    let status = |keys: Vec<Key>| keys.into_iter().map(|(name, key)| status(inner, &name, &key));
    (status(secrets).collect(), status(virtual_keys).collect())
}

/// Returns whether a name is that of a virtual key. If these share the folder of the provider
/// secrets, every name that the configuration does not mention may be one.
fn may_be_virtual_key(settings: &Settings, configured: &HashSet<&str>, name: &str) -> bool {
    let keys = &settings.virtual_keys;
    let shares_folder = keys.store && keys.prefix.is_none();
    is_virtual_key(settings, name) || (shares_folder && !configured.contains(name))
}

fn status(inner: &Inner, name: &Name, key: &KeyStatus<LoadFailure>) -> SecretStatus {
    let state = match key.state {
        KeyState::Fresh => SecretState::Fresh,
        KeyState::Stale => SecretState::Stale,
        KeyState::Loading => SecretState::Loading,
        _ => SecretState::Negative,
    };
    let error = key.error.as_ref();
    SecretStatus {
        name: name.as_str().to_owned(),
        version: key.version.map(Version::number),
        age: key.age,
        state,
        source: match state {
            SecretState::Fresh | SecretState::Stale => Some(Source::Vault),
            SecretState::Negative => environment(inner, name.as_str(), key),
            SecretState::Loading => None,
        },
        refresh_in: key.refresh_in,
        error: error.map(|error| convert::cached(String::new(), error).kind()),
    }
}

/// Returns the environment as the source of a name without a value in Vault, if a reader of the name
/// receives the variable.
fn environment(inner: &Inner, name: &str, key: &KeyStatus<LoadFailure>) -> Option<Source> {
    let vault = outcome(key.error.as_ref()?.load_error()?);
    let is_provided = route(&inner.settings, name) == Route::Vault
        && inner.environment.get(name, vault).is_ok_and(|value| value.is_some());
    is_provided.then_some(Source::Environment)
}
