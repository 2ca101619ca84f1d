//! The terminal's foreground, which the program gets for as long as it runs, as from a shell with
//! job control.
//!
//! Keys such as Ctrl-C then reach the program alone. See `setpgid`, `tcsetpgrp` and "Job Control" in
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

/// The controlling terminal of this process, whichever it is.
const TERMINAL: &str = "/dev/tty";

/// What follows when the program was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnStop {
    /// Nothing: the stop was not about the terminal.
    Nothing,
    /// The program is continued.
    Continue,
    /// The job that this process belongs to is stopped too.
    StopJob,
}

/// The foreground of the controlling terminal, where there is one.
pub(super) struct Foreground {
    terminal: Option<File>,
    /// The process group of this process. None if that is outside its PID namespace.
    own: Option<Pid>,
    program: Pid,
    /// Whether a shell with job control started this process as a job, and can continue it.
    is_job: bool,
    /// Whether the program has the foreground from this process.
    is_given: Cell<bool>,
}

impl Foreground {
    /// The foreground for the program of this process group.
    pub(super) fn of(program: Pid) -> Self {
        // Opening fails if this process has no controlling terminal.
        let terminal = File::open(TERMINAL).ok();
        let group = getpgrp();
        let own = Pid::from_raw(group.as_raw());
        let is_job = getsid(None).is_ok_and(|session| session != group);
        Self { terminal, own, program, is_job, is_given: Cell::new(false) }
    }

    /// Gives the foreground to the program if the process group of this process has it.
    pub(super) fn give(&self) {
        let holder = self.holder();
        if holder.is_some() && holder == self.own {
            self.set(self.program);
        }
        self.is_given.set(self.may_be_given(holder));
    }

    /// Takes the foreground back from the program, or from what the program has given it to.
    pub(super) fn take_back(&self) {
        if self.is_given.replace(false)
            && let Some(own) = self.own
        {
            self.set(own);
        }
    }

    /// Decides what follows when `signal` has stopped the program. Gives it the foreground again if
    /// it is to continue.
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

    /// Whether the foreground is the program's already, or this process can give it away.
    fn may_be_given(&self, holder: Option<Pid>) -> bool {
        holder.is_some_and(|holder| Some(holder) == self.own || holder == self.program)
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

/// Decides what follows on a stop: `may_have_it` is whether the foreground is the program's or this
/// process's, which gives it away.
fn on_stop(signal: i32, may_have_it: bool, is_job: bool) -> OnStop {
    match signal {
        // The program used the terminal before it got the foreground.
        SIGTTIN | SIGTTOU if may_have_it => OnStop::Continue,
        SIGTTIN | SIGTTOU | SIGTSTP if is_job => OnStop::StopJob,
        // Nobody could continue it. Without this process in between, the system would not have
        // stopped it.
        SIGTSTP => OnStop::Continue,
        _ => OnStop::Nothing,
    }
}

/// Sets the foreground, also from the background, which stops a process that does not block TTOU.
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
    fn stop_is_followed_where_a_shell_can_continue_the_job() {
        for (signal, may_have_it, is_job, expected) in [
            (SIGTSTP, true, true, StopJob),
            (SIGTSTP, true, false, Continue),
            (SIGTTIN, true, true, Continue),
            (SIGTTOU, true, false, Continue),
            (SIGTTIN, false, true, StopJob),
            (SIGTTIN, false, false, Nothing),
            (SIGSTOP, true, true, Nothing),
        ] {
            let actual = on_stop(signal, may_have_it, is_job);
            assert_eq!(actual, expected, "{signal} {may_have_it} {is_job}");
        }
    }
}
