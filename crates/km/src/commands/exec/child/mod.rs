//! The program as a child of this process: signals are forwarded to it, and its stops and its end
//! are followed.

mod foreground;
mod reaper;

use std::io;
use std::process::Command;
use std::time::Duration;

use rustix::process::{
    Pid, Signal, getpid, kill_current_process_group, kill_process, kill_process_group,
};
use shared_child::SharedChild;
use shared_child::unix::SharedChildExt as _;
use signal_hook::consts::{SIGCONT, SIGKILL, SIGTERM, SIGTSTP};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::command;
use super::signals::asks_to_end;
use super::watch::LOG;
use crate::error::Failure;
use crate::signals::SignalStreams;
use foreground::{Foreground, OnStop};
use reaper::{Change, Reaper, exit_code, lost};

/// How long the program may take from SIGTERM to its end before another takes its place: as long as
/// Docker waits.
const GRACE: Duration = Duration::from_secs(10);

/// The running program, in a process group of its own.
pub(super) struct Child {
    process: SharedChild,
    pid: Pid,
    foreground: Foreground,
    reaper: Reaper,
    exit_code: Option<u8>,
}

impl Child {
    /// Starts the program. Where this process has the terminal's foreground, the program gets it.
    pub(super) fn start(command: Command) -> Result<Self, Failure> {
        let reaper = Reaper::catch()?;
        // The secrets are the program's now: `spawn` drops the command.
        let child = command::spawn(command)?;
        let process = SharedChild::new(child).map_err(|error| lost(&error))?;
        // `SharedChild` reaps a program that has ended already, so that `reap` would not find it.
        let ended = process.try_wait().map_err(|error| lost(&error))?;
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| lost(&io::ErrorKind::InvalidData.into()))?;
        let foreground = Foreground::of(pid);
        let mut child = Self { process, pid, foreground, reaper, exit_code: None };
        match ended.and_then(exit_code) {
            Some(code) => child.ended(code),
            None => child.foreground.give(),
        }
        Ok(child)
    }

    /// Waits for the program's end and forwards signals meanwhile. Returns its exit code.
    pub(super) async fn wait(&mut self, signals: &mut SignalStreams) -> Result<u8, Failure> {
        loop {
            if let Some(code) = self.wait_unless_asked(signals).await? {
                return Ok(code);
            }
        }
    }

    /// Like [`wait`](Self::wait), but returns `None` after a signal that asks for the end.
    /// Cancel-safe.
    pub(super) async fn wait_unless_asked(
        &mut self,
        signals: &mut SignalStreams,
    ) -> Result<Option<u8>, Failure> {
        while self.exit_code.is_none() {
            tokio::select! {
                // A CONT is handled before the stop that it ends.
                biased;
                signal = signals.next() => {
                    self.forward(signal);
                    if asks_to_end(signal) {
                        return Ok(None);
                    }
                }
                change = self.reaper.changed(self.pid) => match change? {
                    Change::Stopped(signal) => self.stopped(signal),
                    Change::Ended(code) => self.ended(code),
                },
            }
        }
        Ok(self.exit_code)
    }

    /// Ends the program so that another can take its place. Returns the exit code instead if a
    /// signal asks for the end meanwhile; there is no time limit then.
    pub(super) async fn stop(
        &mut self,
        signals: &mut SignalStreams,
    ) -> Result<Option<u8>, Failure> {
        self.signal(SIGTERM);
        let in_time = timeout(GRACE, self.wait_unless_asked(signals)).await;
        let ended = if let Ok(ended) = in_time {
            ended?
        } else {
            warn!(target: LOG, "the program is killed: {GRACE:?} after SIGTERM it still ran");
            self.signal(SIGKILL);
            self.wait_unless_asked(signals).await?
        };
        match ended {
            Some(_) => Ok(None),
            None => self.wait(signals).await.map(Some),
        }
    }

    /// Sends the program a signal. One that has ended gets none, because its number may belong to
    /// another process by now.
    pub(super) fn signal(&self, signal: i32) {
        if self.exit_code.is_none()
            && let Err(error) = self.process.send_signal(signal)
        {
            warn!(%error, signal, "cannot forward a signal");
        }
    }

    fn signal_group(&self, signal: Signal) {
        if self.exit_code.is_none()
            && let Err(error) = kill_process_group(self.pid, signal)
        {
            debug!(%error, signal = signal.as_raw(), "cannot signal the program's process group");
        }
    }

    /// Forwards a signal that this process received. Stops and continues concern the whole process
    /// group, as from a shell.
    fn forward(&self, signal: i32) {
        match signal {
            SIGTSTP => {
                self.signal_group(Signal::TSTP);
                self.stop_this_process();
            }
            SIGCONT => {
                self.foreground.give();
                self.signal_group(Signal::CONT);
            }
            _ => self.signal(signal),
        }
    }

    /// Stops this process until somebody continues it. The system never stops PID 1.
    fn stop_this_process(&self) {
        if getpid().is_init() {
            return;
        }
        self.foreground.take_back();
        if let Err(error) = kill_process(getpid(), Signal::STOP) {
            warn!(%error, "cannot stop");
        }
    }

    /// Follows a stop of the program that the terminal caused. A shell that has started this process
    /// as a job knows nothing of the program's own process group.
    fn stopped(&self, signal: i32) {
        match self.foreground.on_stop(signal) {
            OnStop::Nothing => {}
            OnStop::Continue => self.signal_group(Signal::CONT),
            OnStop::StopJob => {
                self.foreground.take_back();
                // This process is in the group, and stops by its own handler.
                if let Err(error) = kill_current_process_group(Signal::TSTP) {
                    warn!(%error, "cannot stop the job");
                }
            }
        }
    }

    fn ended(&mut self, code: u8) {
        self.exit_code = Some(code);
        self.foreground.take_back();
    }
}
