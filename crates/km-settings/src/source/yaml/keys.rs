//! The keys and paths of our settings in the file.

use crate::problem::SettingSource;

/// The key of the proxy's global settings.
pub(super) const GENERAL: &str = "general_settings";
/// The key below [`GENERAL`] for the name of the secret manager.
pub(super) const SYSTEM: &str = "key_management_system";
/// The key below [`GENERAL`] for the settings of the secret manager.
pub(super) const SETTINGS: &str = "key_management_settings";
/// The key below [`SETTINGS`] for the settings that LiteLLM does not have.
pub(super) const KM: &str = "km";
/// The key that names further files.
pub(super) const INCLUDE: &str = "include";

/// The path of [`SYSTEM`].
pub(crate) const SYSTEM_PATH: &str = "general_settings.key_management_system";
/// The path of [`SETTINGS`].
pub(crate) const SETTINGS_PATH: &str = "general_settings.key_management_settings";
/// The path of [`KM`].
pub(crate) const KM_PATH: &str = "general_settings.key_management_settings.km";

/// The prefix of a text that refers to an environment variable or a secret.
pub(crate) const REFERENCE_PREFIX: &str = "os.environ/";

/// Returns the source for a key in a file of the configuration.
pub(super) fn source(file: &str, path: &str, line: u64) -> SettingSource {
    SettingSource::Yaml { file: file.to_owned(), path: path.to_owned(), line }
}
