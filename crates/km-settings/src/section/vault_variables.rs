//! Variables of Vault's own clients, which are not read.

use crate::problem::SettingSource;
use crate::reader::Reader;

/// Each variable, and the settings that say the same to this program.
const VARIABLES: [(&str, &[&str]); 2] = [
    ("VAULT_ADDR", &["HCP_VAULT_ADDR"]),
    (
        "VAULT_NAMESPACE",
        &["HCP_VAULT_NAMESPACE", "HCP_VAULT_LOGIN_NAMESPACE", "HCP_VAULT_SECRET_NAMESPACE"],
    ),
];

/// Warns of each variable that is set while its settings are not.
pub(crate) fn warn(reader: &mut Reader<'_>) {
    for (variable, settings) in VARIABLES {
        let is_ignored =
            reader.is_set(variable) && !settings.iter().any(|name| reader.is_set(name));
        if let (true, [setting, ..]) = (is_ignored, settings) {
            let what = format!("is set, but is not read, and {setting} is not set");
            let hint = format!("set {setting} to what {variable} is");
            reader.notes.warning(SettingSource::Variable(variable.to_owned()), what, hint);
        }
    }
}
