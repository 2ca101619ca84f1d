//! Variables of Vault's own clients, which are not read.

use crate::problem::SettingSource;
use crate::reader::Reader;
use crate::table::{location, login, server};

/// Each variable, and the settings that have the same meaning here.
const VARIABLES: [(&str, &[&str]); 2] = [
    ("VAULT_ADDR", &[server::ADDRESS.name]),
    (
        "VAULT_NAMESPACE",
        &[location::NAMESPACE.name, login::NAMESPACE.name, location::SECRET_NAMESPACE.name],
    ),
];

/// Warns about each variable that is set while none of its settings is.
pub(crate) fn warn(reader: &mut Reader<'_>) {
    for (variable, settings) in VARIABLES {
        let is_ignored =
            reader.is_set(variable) && !settings.iter().any(|name| reader.is_set(name));
        if let (true, [setting, ..]) = (is_ignored, settings) {
            let message = format!("is not used, and {setting} is not set");
            let hint = format!("set {setting} to the value of {variable}");
            reader.diagnostics.warning(SettingSource::Variable(variable.to_owned()), message, hint);
        }
    }
}
