//! What the program finds in its environment, and what it does not.

use std::ffi::{OsStr, OsString};

use km_proxy_adapter::{Kind, Secret, Source};
use km_settings::{Env as _, ProcessEnv, SETTINGS, Sensitivity};

use super::launch::largest_names;
use super::values::Values;
use crate::args::Exec;
use crate::failure::Failure;

/// All of LiteLLM's settings for Vault: the program has no need of them.
const VAULT_SETTINGS: &str = "HCP_VAULT_";

/// The tokens with which the command lines of Vault and OpenBao log in.
const TOKENS: [&str; 2] = ["VAULT_TOKEN", "BAO_TOKEN"];

/// Variables that a loader, a shell or an interpreter obeys before the program runs. Who can write
/// one of them runs code in the program.
const LOADER_NAMES: [&str; 7] =
    ["GLIBC_TUNABLES", "PATH", "IFS", "ENV", "NODE_OPTIONS", "PERL5OPT", "JAVA_TOOL_OPTIONS"];

/// The beginnings of more of them.
const LOADER_PREFIXES: [&str; 4] = ["LD_", "DYLD_", "BASH_", "PYTHON"];

/// The most that Linux takes of one variable: name, `=`, value and the NUL at its end
/// (`MAX_ARG_STRLEN` in `execve(2)`, with pages of 4 KiB).
const MAX_VARIABLE_BYTES: usize = 128 * 1024;

/// The most that Linux takes of all arguments and variables, however large the stack may grow.
const MAX_TOTAL_BYTES: u64 = 6 * 1024 * 1024;

/// What Linux takes however small the stack is (`ARG_MAX`).
const MIN_TOTAL_BYTES: u64 = 128 * 1024;

/// Room for what [`check_total`] does not see: the path and interpreter line of the program, and what
/// the kernel puts on the stack itself.
const TOTAL_MARGIN_BYTES: u64 = 16 * 1024;

/// The variables of this process that say how to log in.
pub(super) fn credentials() -> Vec<OsString> {
    ProcessEnv.names().into_iter().filter(|name| is_credential(name)).collect()
}

/// Whether a variable says how to log in.
pub(super) fn is_credential(name: &OsStr) -> bool {
    let is_setting = |name: &str| {
        SETTINGS
            .iter()
            .any(|setting| setting.name == name && setting.sensitivity != Sensitivity::Plain)
    };
    name.as_encoded_bytes().starts_with(VAULT_SETTINGS.as_bytes())
        || name.to_str().is_some_and(|name| TOKENS.contains(&name) || is_setting(name))
}

fn is_loader_name(name: &str) -> bool {
    LOADER_NAMES.contains(&name) || LOADER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Checks that the program may have the value under that name, and that an environment can hold it.
pub(super) fn check(name: &str, value: &Secret, danger_env: &[String]) -> Result<(), Failure> {
    let is_from_vault = value.source() != Source::Environment;
    if is_from_vault && is_loader_name(name) && !danger_env.iter().any(|allowed| allowed == name) {
        let what = format!("set {name}: a loader or a shell would obey the value from Vault");
        let hint = format!("remove the reference, or allow it with --danger-env {name}");
        return Err(Failure::new(Kind::Usage, what, hint));
    }
    check_form(name, value.expose())
}

/// Checks that an environment can hold the value under that name.
fn check_form(name: &str, value: &str) -> Result<(), Failure> {
    if name.contains('=') {
        let what = format!("set {name}: a variable's name cannot contain `=`");
        return Err(Failure::new(Kind::Usage, what, "store it under another name"));
    }
    if value.contains('\0') {
        let what = format!("set {name}: the value contains a NUL, which no variable can hold");
        return Err(Failure::new(Kind::StoredValue, what, "store it as text, such as base64"));
    }
    if variable_bytes(name.len(), value.len()) > MAX_VARIABLE_BYTES {
        let what = format!("set {name}: the value is too large for a variable, which is 128 KiB");
        return Err(Failure::new(Kind::StoredValue, what, "have the program read it from a file"));
    }
    Ok(())
}

/// Checks that the program could be started with these values as far as their size is concerned,
/// before the running one is ended for them.
pub(super) fn check_total(args: &Exec, values: &Values) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") || total_bytes(args, values) <= max_total_bytes() {
        return Ok(());
    }
    let sizes = values.iter().map(|(name, value)| (name.as_str(), value.expose().len()));
    let largest = largest_names(sizes);
    let what = format!("set the environment: all values together are too large: {largest}");
    Err(Failure::new(Kind::StoredValue, what, "have the program read them from files"))
}

/// Counts as the kernel does: each string with its NUL, and a pointer to it.
fn total_bytes(args: &Exec, values: &Values) -> u64 {
    let is_kept = |name: &OsString| {
        let is_replaced = values.iter().any(|(replaced, _)| name == replaced.as_str());
        !is_replaced && (args.keep_credentials || !is_credential(name))
    };
    let inherited = ProcessEnv.names().into_iter().filter(is_kept).map(|name| {
        let value = name.to_str().and_then(|name| ProcessEnv.var(name));
        variable_bytes(name.len(), value.map_or(0, |value| value.len()))
    });
    let resolved =
        values.iter().map(|(name, value)| variable_bytes(name.len(), value.expose().len()));
    let arguments = args.command.iter().map(|argument| argument.len() + 1);
    let strings = inherited.chain(resolved).chain(arguments);
    let bytes: usize = strings.map(|bytes| bytes + size_of::<usize>()).sum();
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The limit of [`execve(2)`](https://man7.org/linux/man-pages/man2/execve.2.html), less a margin.
fn max_total_bytes() -> u64 {
    let stack = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    let limit = stack.map_or(MAX_TOTAL_BYTES, |stack| MAX_TOTAL_BYTES.min(stack / 4));
    limit.max(MIN_TOTAL_BYTES) - TOTAL_MARGIN_BYTES
}

fn variable_bytes(name: usize, value: usize) -> usize {
    name + value + "=\0".len()
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
    fn loader_names_are_told_from_others() {
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
    fn form_of_a_variable_is_checked_up_to_the_kernels_limit() {
        let largest = "a".repeat(MAX_VARIABLE_BYTES - "NAME=\0".len());
        let larger = format!("{largest}a");
        for (name, value, expected) in [
            ("NAME", "", None),
            ("NAME", &largest, None),
            ("NAME", &larger, Some(Kind::StoredValue)),
            ("NAMES", &largest, Some(Kind::StoredValue)),
            ("NAME", "a\0", Some(Kind::StoredValue)),
            ("NA=ME", "a", Some(Kind::Usage)),
        ] {
            let actual = check_form(name, value).err().map(|failure| failure.kind());
            assert_eq!(actual, expected, "{name} {}", value.len());
        }
    }
}
