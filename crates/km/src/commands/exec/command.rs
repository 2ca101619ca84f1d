//! Starting the program: its command line and environment, and the reasons why it cannot be started.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use km_proxy_adapter::ErrorKind;

use super::environment;
use super::values::Values;
use crate::cli::Exec;
use crate::error::Failure;
use crate::hardening::with_original_core_limit;

/// The exit codes of a shell that cannot start a program.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The number of names that are reported where all variables together are too large.
const LARGEST_NAMES: usize = 3;

/// The program of the command line.
pub(super) fn program(args: &Exec) -> Result<&OsStr, Failure> {
    let program = args.command.first().filter(|program| !program.is_empty());
    program.map(AsRef::as_ref).ok_or_else(|| {
        let hint = "km exec -- CMD ARGS";
        Failure::new(ErrorKind::Usage, "usage: there is no program to run", hint)
    })
}

/// The program with these values in its environment.
pub(super) fn command(args: &Exec, values: &Values) -> Result<Command, Failure> {
    let mut command = Command::new(program(args)?);
    command.args(args.command.iter().skip(1));
    if !args.keep_credentials {
        for name in environment::credentials() {
            command.env_remove(name);
        }
    }
    for (name, value) in values {
        command.env(name, value.expose());
    }
    Ok(command)
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
        io::ErrorKind::NotFound => (NOT_FOUND, "check the name, and PATH".to_owned()),
        io::ErrorKind::ArgumentListTooLong => (NOT_EXECUTABLE, size_hint(command)),
        _ => (NOT_EXECUTABLE, "check that it is a program, and may be executed".to_owned()),
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

/// The names of the largest values that the program was to be given, the largest one first.
pub(super) fn largest_names<'a>(sizes: impl Iterator<Item = (&'a str, usize)>) -> String {
    let mut sizes: Vec<_> = sizes.collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let largest: Vec<_> = sizes.iter().take(LARGEST_NAMES).map(|(name, _)| *name).collect();
    largest.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_names_are_in_the_order_of_their_sizes() {
        let sizes = [("SMALL", 1), ("BIG", 9), ("BIGGER", 99), ("BIGGEST", 999)];
        assert_eq!(largest_names(sizes.into_iter()), "BIGGEST, BIGGER, BIG");
        assert_eq!(largest_names(std::iter::empty()), "");
    }
}
