//! Puts the program into the foreground of the terminal, like a shell with job control.
//!
//! Keys such as Ctrl-C then reach the program only. See `setpgid`, `tcsetpgrp` and "Job Control" in
//! [POSIX](https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap11.html).

use std::cell::Cell;
use std::fs::File;
use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{getpgrp, getsid};
use rustix::process::Pid;
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use signal_hook::consts::{SIGTSTP, SIGTTIN, SIGTTOU};
use tracing::debug;

/// The path that opens the controlling terminal of a process.
const TERMINAL: &str = "/dev/tty";

/// The reaction to a stop of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnStop {
    /// Nothing, because the terminal did not cause the stop.
    Nothing,
    /// Continue the program.
    Continue,
    /// Stop the job that this process belongs to.
    StopJob,
}

/// The foreground of the controlling terminal, if there is one.
pub(super) struct Foreground {
    terminal: Option<File>,
    /// The process group of this process. `None` if it is outside the PID namespace.
    this_group: Option<Pid>,
    program: Pid,
    /// Whether a shell with job control started this process as a job, and can continue it.
    is_job: bool,
    /// Whether this process has given the foreground to the program.
    is_given: Cell<bool>,
}

impl Foreground {
    /// Opens the controlling terminal, for a program with this process group.
    pub(super) fn new(program: Pid) -> Self {
        // Opening fails if this process has no controlling terminal.
        let terminal = File::open(TERMINAL).ok();
        let group = getpgrp();
        let this_group = Pid::from_raw(group.as_raw());
        let is_job = getsid(None).is_ok_and(|session| session != group);
        Self { terminal, this_group, program, is_job, is_given: Cell::new(false) }
    }

    /// Gives the foreground to the program if the process group of this process has it.
    pub(super) fn give(&self) {
        let holder = self.holder();
        if holder.is_some() && holder == self.this_group {
            self.set(self.program);
        }
        self.is_given.set(self.may_be_given(holder));
    }

    /// Takes the foreground back from the program, or from a process that the program gave it to.
    pub(super) fn take_back(&self) {
        if self.is_given.replace(false)
            && let Some(group) = self.this_group
        {
            self.set(group);
        }
    }

    /// Decides how to react when `signal` has stopped the program, and gives it the foreground
    /// again if it has to continue.
    pub(super) fn on_stop(&self, signal: i32) -> OnStop {
        let holder = self.holder();
        if holder.is_none() {
            return OnStop::Nothing;
        }
        let on_stop = on_stop(signal, self.may_be_given(holder), self.is_job);
        if on_stop == OnStop::Continue {
            self.give();
        }
        on_stop
    }

    /// Returns whether the program has the foreground, or this process can give it.
    fn may_be_given(&self, holder: Option<Pid>) -> bool {
        holder.is_some_and(|holder| Some(holder) == self.this_group || holder == self.program)
    }

    fn holder(&self) -> Option<Pid> {
        tcgetpgrp(self.terminal.as_ref()?).ok()
    }

    fn set(&self, group: Pid) {
        if let Some(terminal) = &self.terminal
            && let Err(error) = set_foreground(terminal, group)
        {
            debug!(%error, "cannot set the terminal's foreground");
        }
    }
}

/// The policy of [`Foreground::on_stop`]. `may_be_given` is whether the program or this process has
/// the foreground.
fn on_stop(signal: i32, may_be_given: bool, is_job: bool) -> OnStop {
    match signal {
        // The program used the terminal before it got the foreground.
        SIGTTIN | SIGTTOU if may_be_given => OnStop::Continue,
        SIGTTIN | SIGTTOU | SIGTSTP if is_job => OnStop::StopJob,
        // Without a shell, nothing could continue the program. The system would not have stopped it
        // if it were not the child of this process.
        SIGTSTP => OnStop::Continue,
        _ => OnStop::Nothing,
    }
}

/// Sets the foreground. TTOU is blocked because it would stop a caller in the background.
fn set_foreground(terminal: &File, group: Pid) -> io::Result<()> {
    let blocked = SigSet::from(Signal::SIGTTOU);
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let outcome = tcsetpgrp(terminal, group);
    before.thread_set_mask()?;
    Ok(outcome?)
}

#[cfg(test)]
mod tests {
    use signal_hook::consts::SIGSTOP;

    use super::OnStop::{Continue, Nothing, StopJob};
    use super::*;

    #[test]
    fn job_is_stopped_with_the_program_if_a_shell_can_continue_it() {
        for (signal, may_be_given, is_job, expected) in [
            (SIGTSTP, true, true, StopJob),
            (SIGTSTP, true, false, Continue),
            (SIGTTIN, true, true, Continue),
            (SIGTTOU, true, false, Continue),
            (SIGTTIN, false, true, StopJob),
            (SIGTTIN, false, false, Nothing),
            (SIGSTOP, true, true, Nothing),
        ] {
            let actual = on_stop(signal, may_be_given, is_job);
            assert_eq!(actual, expected, "{signal} {may_be_given} {is_job}");
        }
    }
}
