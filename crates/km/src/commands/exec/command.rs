//! The command that starts the program: its arguments, its environment, and why it may not start.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};

use km_proxy_adapter::{ErrorKind, KeyManager, Secret};
use km_settings::{Env as _, ProcessEnv};
use rustix::fs::{Access, access};

use super::files;
use crate::cli::ExecArgs;
use crate::commands::values::{Binding, Values};
use crate::commands::variables::{
    Credentials, check_variables, is_credential, largest_names, max_total_bytes,
    remove_credentials, to_bindings, total_bytes, variable_bytes,
};
use crate::error::Failure;
use crate::hardening::with_original_core_limit;

/// The exit codes of a shell that cannot start a program.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Returns the program of the command line.
pub(super) fn program(args: &ExecArgs) -> Result<&OsStr, Failure> {
    let program = args.command.first().filter(|program| !program.is_empty());
    program.map(AsRef::as_ref).ok_or_else(|| {
        let hint = "run `km exec -- CMD ARGS`";
        Failure::new(ErrorKind::Usage, "usage: missing program", hint)
    })
}

/// Returns the bindings of the program's variables and files.
pub(super) async fn bindings(keys: &KeyManager, args: &ExecArgs) -> Result<Vec<Binding>, Failure> {
    let credentials = if args.keep_credentials { Credentials::Keep } else { Credentials::Skip };
    match &args.files {
        Some(directory) => files::bindings(keys, &args.resolve, directory, credentials).await,
        None => to_bindings(keys, &args.resolve, credentials).await,
    }
}

/// Builds the command with these values in its environment.
pub(super) fn build(args: &ExecArgs, values: &Values) -> Result<Command, Failure> {
    let program = program(args)?;
    let mut command = if args.pristine { pristine(program) } else { Command::new(program) };
    command.args(args.command.iter().skip(1));
    if !args.keep_credentials {
        remove_credentials(&mut command);
    }
    for (name, value) in files::variables(args, values) {
        command.env(name, value.expose());
    }
    Ok(command)
}

/// Returns the command without an inherited environment. The program is found by this process's
/// `PATH`, since it does not receive one.
fn pristine(program: &OsStr) -> Command {
    let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
    command.arg0(program).env_clear();
    command
}

/// Returns the path of a program without a slash, if a directory of `PATH` contains it.
fn find(program: &OsStr) -> Option<PathBuf> {
    let is_name = !program.as_encoded_bytes().contains(&b'/');
    let path = ProcessEnv.var("PATH").filter(|_| is_name)?;
    let candidates = std::env::split_paths(&path).map(|directory| directory.join(program));
    candidates.into_iter().find(|candidate| {
        candidate.is_absolute() && candidate.is_file() && access(candidate, Access::EXEC_OK).is_ok()
    })
}

/// Verifies that the program can be started with these values. Called before a running program is
/// stopped for that.
pub(super) fn check(args: &ExecArgs, values: &Values) -> Result<(), Failure> {
    check_values(args, values)?;
    check_size(args, files::variables(args, values))
}

/// Verifies that the program may receive these values as variables.
pub(super) fn check_values(args: &ExecArgs, values: &Values) -> Result<(), Failure> {
    check_variables(files::variables(args, values), &args.resolve.danger_env)
}

/// Verifies that arguments and environment fit into the kernel's limit.
fn check_size(args: &ExecArgs, values: &[(String, Secret)]) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") || size(args, values) <= max_total_bytes() {
        return Ok(());
    }
    let sizes = values.iter().map(|(name, value)| (name.as_str(), value.expose().len()));
    let largest = largest_names(sizes);
    let what =
        format!("set the environment: the values are too large together, most of all: {largest}");
    Err(Failure::new(ErrorKind::StoredValue, what, "have the program read them from files"))
}

fn size(args: &ExecArgs, values: &[(String, Secret)]) -> u64 {
    let is_kept = |name: &OsString| {
        let is_replaced = values.iter().any(|(replaced, _)| name == replaced.as_str());
        !is_replaced && !args.pristine && (args.keep_credentials || !is_credential(name))
    };
    let inherited = ProcessEnv.names().into_iter().filter(is_kept).map(|name| {
        let value = name.to_str().and_then(|name| ProcessEnv.var(name));
        variable_bytes(name.len(), value.map_or(0, |value| value.len()))
    });
    let resolved =
        values.iter().map(|(name, value)| variable_bytes(name.len(), value.expose().len()));
    let arguments = args.command.iter().map(|argument| argument.len() + 1);
    total_bytes(inherited.chain(resolved).chain(arguments))
}

/// Replaces this process with the program. Returns only if that fails.
pub(super) fn replace_this_process(mut command: Command) -> Failure {
    let error = with_original_core_limit(|| command.exec());
    not_started(&command, &error)
}

/// Starts the program in a process group of its own.
pub(super) fn spawn(mut command: Command) -> Result<Child, Failure> {
    command.process_group(0);
    with_original_core_limit(|| command.spawn()).map_err(|error| not_started(&command, &error))
}

fn not_started(command: &Command, error: &io::Error) -> Failure {
    let program = command.get_program().to_string_lossy();
    let what = format!("start {program}: {error}");
    let (code, hint) = match error.kind() {
        io::ErrorKind::NotFound => (NOT_FOUND, "check the name and PATH".to_owned()),
        io::ErrorKind::ArgumentListTooLong => (NOT_EXECUTABLE, size_hint(command)),
        _ => (NOT_EXECUTABLE, "check that it is an executable file".to_owned()),
    };
    Failure::new(ErrorKind::Usage, what, hint).with_code(code)
}

fn size_hint(command: &Command) -> String {
    let sizes = command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.len())));
    let largest = largest_names(sizes);
    if largest.is_empty() {
        return "shorten the arguments or the environment".to_owned();
    }
    format!("shorten the arguments or the environment; the largest values: {largest}")
}
