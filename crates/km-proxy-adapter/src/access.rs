//! What may be read, written and listed: the access mode and `hosted_keys`. Pure.

use km_settings::Settings;

use crate::error::{Error, ErrorKind};
use crate::name::is_within;
use crate::ownership::{is_configured, is_virtual_key};

/// Checks that the access mode allows reads.
///
/// # Errors
/// [`ErrorKind::Denied`] if it is `write_only`.
pub(crate) fn check_read(
    settings: &Settings,
    operation: impl FnOnce() -> String,
) -> Result<(), Error> {
    if settings.access_mode.reads() {
        return Ok(());
    }
    let what = format!("{}: permission denied: the access mode is write_only", operation());
    Err(Error::new(ErrorKind::Denied, what)
        .with_hint("set access_mode (KM_ACCESS_MODE) to read_only or read_and_write"))
}

/// Checks that the access mode allows writes.
///
/// # Errors
/// [`ErrorKind::Denied`] if it is `read_only`.
pub(crate) fn check_write(
    settings: &Settings,
    operation: impl FnOnce() -> String,
) -> Result<(), Error> {
    if settings.access_mode.writes() {
        return Ok(());
    }
    let what = format!("{}: permission denied: the access mode is read_only", operation());
    Err(Error::new(ErrorKind::Denied, what)
        .with_hint("set access_mode (KM_ACCESS_MODE) to read_and_write or write_only"))
}

/// Returns whether the Vault API serves the secret of this name. With `hosted_keys` it serves
/// only those and virtual keys.
pub(crate) fn is_served(settings: &Settings, name: &str) -> bool {
    settings.hosted_keys.as_ref().is_none_or(|hosted| hosted.contains(name))
        || is_virtual_key(settings, name)
        || may_be_in_shared_folder(settings, name)
}

/// Returns whether the Vault API lists the folder of this name.
pub(crate) fn is_folder_listed(settings: &Settings, folder: &str) -> bool {
    let contains = |name: &String| is_within(name, folder);
    settings.hosted_keys.as_ref().is_none_or(|hosted| hosted.iter().any(contains))
        || settings.virtual_keys.prefix.as_ref().is_some_and(contains)
        || is_virtual_key(settings, &format!("{folder}/key"))
}

/// Returns whether a name may be a virtual key among the provider secrets. Without a key prefix
/// an alias is a single segment, and the settings must allow the shared folder.
fn may_be_in_shared_folder(settings: &Settings, name: &str) -> bool {
    let keys = &settings.virtual_keys;
    keys.shares_folder()
        && keys.danger_shared_folder
        && !name.is_empty()
        && !name.contains('/')
        && !is_configured(settings, name)
}
