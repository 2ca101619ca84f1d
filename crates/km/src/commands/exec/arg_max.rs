//! The limits of the kernel on what a program is started with.

use std::ffi::OsString;

use km_proxy_adapter::ErrorKind;
use km_settings::{Env as _, ProcessEnv};
use rustix::process::{Resource, getrlimit};

use super::command::largest_names;
use super::environment::is_credential;
use super::values::Values;
use crate::cli::Exec;
use crate::error::Failure;

/// The most that Linux takes of one variable: name, `=`, value and the NUL at its end
/// (`MAX_ARG_STRLEN` in `execve(2)`, with pages of 4 KiB).
pub(super) const MAX_VARIABLE_BYTES: usize = 128 * 1024;

/// The most that Linux takes of all arguments and variables, however large the stack may grow.
const MAX_TOTAL_BYTES: u64 = 6 * 1024 * 1024;

/// What Linux takes however small the stack is (`ARG_MAX`).
const MIN_TOTAL_BYTES: u64 = 128 * 1024;

/// Room for what [`check_total`] does not see: the path and interpreter line of the program, and what
/// the kernel puts on the stack itself.
const TOTAL_MARGIN_BYTES: u64 = 16 * 1024;

/// Checks that the program could be started with these values as far as their size is concerned,
/// before the running one is ended for them.
pub(super) fn check_total(args: &Exec, values: &Values) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") || total_bytes(args, values) <= max_total_bytes() {
        return Ok(());
    }
    let sizes = values.iter().map(|(name, value)| (name.as_str(), value.expose().len()));
    let largest = largest_names(sizes);
    let what = format!("set the environment: all values together are too large: {largest}");
    Err(Failure::new(ErrorKind::StoredValue, what, "have the program read them from files"))
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
    let stack = getrlimit(Resource::Stack).current;
    let limit = stack.map_or(MAX_TOTAL_BYTES, |stack| MAX_TOTAL_BYTES.min(stack / 4));
    limit.max(MIN_TOTAL_BYTES) - TOTAL_MARGIN_BYTES
}

/// The bytes of one variable as the kernel counts them: name, `=`, value and a NUL.
pub(super) fn variable_bytes(name: usize, value: usize) -> usize {
    name + value + "=\0".len()
}
