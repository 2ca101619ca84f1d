//! One command of a task: printed, timed, and the end of the task when it fails.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The cargo that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments);
    command
}

/// Runs a command to its end, its output going where ours goes.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<()> {
    timed(name, || {
        let status = command.status();
        let status = status.with_context(|| format!("starting {}", shown(command)))?;
        ensure!(status.success(), "{} ended with {status}", shown(command));
        Ok(())
    })
}

/// The same for what is no command.
pub(crate) fn timed(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("=== {name}");
    let started = now();
    let done = work().with_context(|| format!("{name} FAILED"));
    let seconds = started.elapsed().as_secs_f32();
    println!("=== {name}: {} ({seconds:.1} s)", if done.is_ok() { "ok" } else { "FAILED" });
    done
}

#[expect(clippy::disallowed_methods, reason = "the time that a person waits")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
