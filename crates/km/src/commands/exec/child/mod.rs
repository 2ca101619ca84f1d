//! The program as a child process: forwards signals to it, and follows its stops and its end.

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
use signal_hook::consts::{SIGCONT, SIGKILL, SIGTSTP};
use signal_hook::low_level::signal_name;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::command;
use super::signals::requests_end;
use crate::error::Failure;
use crate::io::log::WATCH;
use crate::signals::{SignalStreams, exit_code};
use foreground::{Foreground, OnStop};
use reaper::{Change, Reaper, wait_failed};

/// The running program, in its own process group.
pub(super) struct Child {
    process: SharedChild,
    pid: Pid,
    foreground: Foreground,
    reaper: Reaper,
    exit_code: Option<u8>,
}

impl Child {
    /// Starts the program, and gives it the foreground of the terminal if this process has it.
    pub(super) fn start(command: Command) -> Result<Self, Failure> {
        let reaper = Reaper::catch()?;
        // `spawn` drops the command and with it this process's copy of the secrets.
        let child = command::spawn(command)?;
        let process = SharedChild::new(child).map_err(|error| wait_failed(&error))?;
        // `SharedChild` reaps a program that has already ended, which `Reaper` would then not find.
        let ended = process.try_wait().map_err(|error| wait_failed(&error))?;
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| wait_failed(&io::ErrorKind::InvalidData.into()))?;
        let foreground = Foreground::new(pid);
        let mut child = Self { process, pid, foreground, reaper, exit_code: None };
        match ended.and_then(exit_code) {
            Some(code) => child.ended(code),
            None => child.foreground.give(),
        }
        Ok(child)
    }

    /// Waits for the end of the program, forwarding signals, and returns its exit code.
    pub(super) async fn wait(&mut self, signals: &mut SignalStreams) -> Result<u8, Failure> {
        loop {
            if let Some(code) = self.wait_unless_interrupted(signals).await? {
                return Ok(code);
            }
        }
    }

    /// Like [`wait`](Self::wait), but returns `None` after a signal that requests the end.
    /// Cancel-safe.
    pub(super) async fn wait_unless_interrupted(
        &mut self,
        signals: &mut SignalStreams,
    ) -> Result<Option<u8>, Failure> {
        while self.exit_code.is_none() {
            tokio::select! {
                // CONT is handled before the stop that it ends.
                biased;
                signal = signals.next() => {
                    self.forward(signal);
                    if requests_end(signal) {
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

    /// Stops the program for a restart: by `signal`, and by SIGKILL after `limit`.
    ///
    /// If a signal requests the end meanwhile, waits for the program without a time limit and
    /// returns its exit code. The program must not be restarted then.
    pub(super) async fn stop(
        &mut self,
        signal: i32,
        limit: Duration,
        signals: &mut SignalStreams,
    ) -> Result<Option<u8>, Failure> {
        self.signal(signal);
        let in_time = timeout(limit, self.wait_unless_interrupted(signals)).await;
        let ended = if let Ok(ended) = in_time {
            ended?
        } else {
            let name = signal_name(signal).unwrap_or("the signal");
            warn!(target: WATCH, "killing the program: still running {limit:?} after {name}");
            self.signal(SIGKILL);
            self.wait_unless_interrupted(signals).await?
        };
        match ended {
            Some(_) => Ok(None),
            None => self.wait(signals).await.map(Some),
        }
    }

    /// Waits for `step` while there is no program, because it has ended and is to be restarted. A
    /// signal has no receiver then, unless it stops or continues this process.
    ///
    /// Returns `None` after a signal that requests the end.
    pub(super) async fn until_restart<T>(
        &self,
        step: impl Future<Output = T>,
        signals: &mut SignalStreams,
    ) -> Option<T> {
        let interrupted = async {
            loop {
                let signal = signals.next().await;
                self.forward(signal);
                if requests_end(signal) {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            () = interrupted => None,
            outcome = step => Some(outcome),
        }
    }

    /// Sends a signal to the program unless it has ended, because its PID may have been reused.
    pub(super) fn signal(&self, signal: i32) {
        if self.exit_code.is_none()
            && let Err(error) = self.process.send_signal(signal)
        {
            warn!(%error, signal, "cannot send a signal to the program");
        }
    }

    fn signal_group(&self, signal: Signal) {
        if self.exit_code.is_none()
            && let Err(error) = kill_process_group(self.pid, signal)
        {
            debug!(%error, signal = signal.as_raw(), "cannot signal the program's process group");
        }
    }

    /// Forwards a signal that this process received. TSTP and CONT go to the whole process group,
    /// as from a shell.
    fn forward(&self, signal: i32) {
        match signal {
            SIGTSTP => {
                self.signal_group(Signal::TSTP);
                self.stop_this_process();
            }
            SIGCONT if self.exit_code.is_some() => {}
            SIGCONT => {
                self.foreground.give();
                self.signal_group(Signal::CONT);
            }
            _ => self.signal(signal),
        }
    }

    /// Stops this process until it is continued. The system never stops PID 1.
    fn stop_this_process(&self) {
        if getpid().is_init() {
            return;
        }
        self.foreground.take_back();
        if let Err(error) = kill_process(getpid(), Signal::STOP) {
            warn!(%error, "cannot stop this process");
        }
    }

    /// Reacts to a stop of the program. A shell that started this process as a job does not know
    /// the program's process group, so that this process has to stop with it.
    fn stopped(&self, signal: i32) {
        match self.foreground.on_stop(signal) {
            OnStop::Nothing => {}
            OnStop::Continue => self.signal_group(Signal::CONT),
            OnStop::StopJob => {
                self.foreground.take_back();
                // This process is in the group, and its handler stops it.
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
