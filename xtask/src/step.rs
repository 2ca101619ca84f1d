//! Running the steps of a task: each is named, timed, and fatal if it fails.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Returns a command of the cargo that built this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments);
    command
}

/// Runs a command with inherited output.
///
/// # Errors
/// The command cannot be started, or fails.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<()> {
    timed(name, || {
        let status = command.status();
        let status = status.with_context(|| format!("starting {}", shown(command)))?;
        ensure!(status.success(), "{} ended with {status}", shown(command));
        Ok(())
    })
}

/// Runs a step that is not a command. Prints its name, its result and its duration.
pub(crate) fn timed(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("=== {name}");
    let started = now();
    let done = work().with_context(|| format!("{name} FAILED"));
    let seconds = started.elapsed().as_secs_f32();
    println!("=== {name}: {} ({seconds:.1} s)", if done.is_ok() { "ok" } else { "FAILED" });
    done
}

#[expect(clippy::disallowed_methods, reason = "elapsed time for people")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
