//! Which variables the program's environment contains.

use std::ffi::OsStr;
use std::process::Command;

use km_proxy_adapter::{ErrorKind, Secret, Source};
use km_settings::{ProcessEnv, SETTINGS, Sensitivity};

use super::arg_max::{MAX_VARIABLE_BYTES, variable_bytes};
use crate::error::Failure;

/// The prefix of LiteLLM's settings for Vault, which the program does not need.
const VAULT_PREFIX: &str = "HCP_VAULT_";

/// The variables with the tokens of the `vault` and `bao` command lines.
const TOKEN_NAMES: [&str; 2] = ["VAULT_TOKEN", "BAO_TOKEN"];

/// Variables that a loader, a shell or an interpreter acts on before the program runs. Write access
/// to one of them amounts to code execution in the program.
const LOADER_NAMES: [&str; 7] =
    ["GLIBC_TUNABLES", "PATH", "IFS", "ENV", "NODE_OPTIONS", "PERL5OPT", "JAVA_TOOL_OPTIONS"];

/// The prefixes of more of them.
const LOADER_PREFIXES: [&str; 4] = ["LD_", "DYLD_", "BASH_", "PYTHON"];

/// Removes the variables that hold credentials for Vault from a command's environment.
pub(crate) fn remove_credentials(command: &mut Command) {
    for name in ProcessEnv.names().into_iter().filter(|name| is_credential(name)) {
        command.env_remove(name);
    }
}

/// Returns whether a variable holds credentials for Vault, or is a setting of LiteLLM for it.
pub(crate) fn is_credential(name: &OsStr) -> bool {
    let is_setting = |name: &str| {
        SETTINGS
            .iter()
            .any(|setting| setting.name == name && setting.sensitivity != Sensitivity::Plain)
    };
    name.as_encoded_bytes().starts_with(VAULT_PREFIX.as_bytes())
        || name.to_str().is_some_and(|name| TOKEN_NAMES.contains(&name) || is_setting(name))
}

fn is_loader_name(name: &str) -> bool {
    LOADER_NAMES.contains(&name) || LOADER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Verifies that a program may receive these values as variables, and that an environment can hold
/// them.
///
/// # Errors
///
/// `Usage` for a variable that a loader or a shell acts on and that is not in `danger_env`,
/// `StoredValue` for a value that a variable cannot hold.
pub(crate) fn check_variables(
    values: &[(String, Secret)],
    danger_env: &[String],
) -> Result<(), Failure> {
    values.iter().try_for_each(|(name, value)| check(name, value, danger_env))
}

fn check(name: &str, value: &Secret, danger_env: &[String]) -> Result<(), Failure> {
    let is_from_vault = value.source() != Source::Environment;
    if is_from_vault && is_loader_name(name) && !danger_env.iter().any(|allowed| allowed == name) {
        let what =
            format!("set {name}: refused, because a loader or a shell acts on this variable");
        let hint = format!("do not set it, or allow it with --danger-env {name}");
        return Err(Failure::new(ErrorKind::Usage, what, hint));
    }
    check_form(name, value.expose())
}

/// Verifies that an environment can hold a value under this name.
fn check_form(name: &str, value: &str) -> Result<(), Failure> {
    if value.contains('\0') {
        let what = format!("set {name}: the value contains a NUL, which a variable cannot hold");
        return Err(Failure::new(
            ErrorKind::StoredValue,
            what,
            "store it as text, for example as base64",
        ));
    }
    if variable_bytes(name.len(), value.len()) > MAX_VARIABLE_BYTES {
        let what = format!("set {name}: the value is too large for a variable (128 KiB)");
        return Err(Failure::new(
            ErrorKind::StoredValue,
            what,
            "have the program read it from a file",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_distinguished_from_other_settings() {
        for (name, expected) in [
            ("HCP_VAULT_TOKEN", true),
            ("HCP_VAULT_ADDR", true),
            ("HCP_VAULT_SOMETHING_NEW", true),
            ("VAULT_TOKEN", true),
            ("BAO_TOKEN", true),
            ("KM_TOKEN_FILE", true),
            ("KM_APPROLE_SECRET_ID_FILE", true),
            ("KM_USERPASS_PASSWORD_FILE", true),
            ("KM_ACCESS_MODE", false),
            ("KM_CA_CERT", false),
            ("VAULT_ADDR", false),
            ("BAO_ADDR", false),
            ("OPENAI_API_KEY", false),
        ] {
            assert_eq!(is_credential(name.as_ref()), expected, "{name}");
        }
    }

    #[test]
    fn loader_names_are_distinguished_from_others() {
        for (name, expected) in [
            ("LD_PRELOAD", true),
            ("DYLD_INSERT_LIBRARIES", true),
            ("GLIBC_TUNABLES", true),
            ("PATH", true),
            ("IFS", true),
            ("ENV", true),
            ("BASH_ENV", true),
            ("BASH_FUNC_ls%%", true),
            ("PYTHONPATH", true),
            ("NODE_OPTIONS", true),
            ("PERL5OPT", true),
            ("JAVA_TOOL_OPTIONS", true),
            ("ENVIRONMENT", false),
            ("OLD_PATH", false),
            ("MY_LD_KEY", false),
            ("OPENAI_API_KEY", false),
        ] {
            assert_eq!(is_loader_name(name), expected, "{name}");
        }
    }

    #[test]
    fn variable_that_the_kernel_would_reject_is_an_error() {
        let largest = "a".repeat(MAX_VARIABLE_BYTES - "NAME=\0".len());
        let larger = format!("{largest}a");
        for (name, value, expected) in [
            ("NAME", "", None),
            ("NAME", &largest, None),
            ("NAME", &larger, Some(ErrorKind::StoredValue)),
            ("NAMES", &largest, Some(ErrorKind::StoredValue)),
            ("NAME", "a\0", Some(ErrorKind::StoredValue)),
        ] {
            let actual = check_form(name, value).err().map(|failure| failure.kind());
            assert_eq!(actual, expected, "{name} {}", value.len());
        }
    }
}
