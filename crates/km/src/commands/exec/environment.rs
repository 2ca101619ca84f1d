//! What the program finds in its environment, and what it doesn't.

use std::ffi::{OsStr, OsString};

use km_proxy_adapter::{Kind, Secret};
use km_settings::{ProcessEnv, SETTINGS, Sensitivity};

use crate::failure::Failure;

/// All of LiteLLM's settings for Vault: the program has no need of them.
const VAULT_SETTINGS: &str = "HCP_VAULT_";

/// Vault's own command line logs in with this.
const VAULT_TOKEN: &str = "VAULT_TOKEN";

/// The variables of this process that say how to log in.
pub(super) fn credentials() -> Vec<OsString> {
    ProcessEnv.names().into_iter().filter(|name| is_credential(name)).collect()
}

/// Whether a variable says how to log in.
pub(super) fn is_credential(name: &OsStr) -> bool {
    let told = |name: &str| {
        SETTINGS
            .iter()
            .any(|setting| setting.name == name && setting.sensitivity != Sensitivity::Plain)
    };
    name.as_encoded_bytes().starts_with(VAULT_SETTINGS.as_bytes())
        || name.to_str().is_some_and(|name| name == VAULT_TOKEN || told(name))
}

/// Whether an environment can hold the value under that name.
pub(super) fn check(name: &str, value: &Secret) -> Result<(), Failure> {
    if name.contains('=') {
        let what = format!("set {name}: a variable's name can't have a `=`");
        return Err(Failure::new(Kind::Usage, what, "store it under another name"));
    }
    if value.expose().contains('\0') {
        let what = format!("set {name}: the value has a NUL, which no variable can hold");
        return Err(Failure::new(Kind::StoredValue, what, "store it as text, such as base64"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_from_other_settings() {
        for (name, expected) in [
            ("HCP_VAULT_TOKEN", true),
            ("HCP_VAULT_ADDR", true),
            ("HCP_VAULT_SOMETHING_NEW", true),
            ("VAULT_TOKEN", true),
            ("KM_TOKEN_FILE", true),
            ("KM_APPROLE_SECRET_ID_FILE", true),
            ("KM_USERPASS_PASSWORD_FILE", true),
            ("KM_ACCESS_MODE", false),
            ("KM_CA_CERT", false),
            ("VAULT_ADDR", false),
            ("OPENAI_API_KEY", false),
        ] {
            assert_eq!(is_credential(name.as_ref()), expected, "{name}");
        }
    }
}
