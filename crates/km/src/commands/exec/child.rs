//! The program as a child: started, told what we are told, and waited for as long as it takes.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use km_proxy_adapter::Kind;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::low_level::siginfo::Origin;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tracing::warn;

use super::signals::{Signals, asks_to_end, is_of_terminal};
use super::watch::LOG;
use crate::failure::Failure;

/// The exit codes of a shell that can't start a program.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// What a shell adds to the number of the signal that ended a program.
const SIGNALLED: i32 = 128;

/// What a program may take from SIGTERM to its end before another takes its place: as long as Docker
/// waits.
const GRACE: Duration = Duration::from_secs(10);

/// The program, running.
pub(super) struct Program(Child);

impl Program {
    pub(super) fn start(mut command: Command) -> Result<Self, Failure> {
        let child = command.spawn().map_err(|error| not_started(&command, &error))?;
        // The secrets are the child's now.
        drop(command);
        Ok(Self(child))
    }

    /// Waits for its end, and passes on what comes in: its exit code.
    pub(super) async fn ends(&mut self, signals: &mut Signals) -> Result<u8, Failure> {
        loop {
            if let Some(code) = self.ends_unless_asked(signals).await? {
                return Ok(code);
            }
        }
    }

    /// The same, but no longer than until somebody has asked for the end: `None`. Cancel-safe.
    pub(super) async fn ends_unless_asked(
        &mut self,
        signals: &mut Signals,
    ) -> Result<Option<u8>, Failure> {
        loop {
            tokio::select! {
                biased;
                ended = self.0.wait() => return ended.map(|ended| Some(code(ended))).map_err(lost),
                signal = signals.next() => {
                    self.pass(&signal);
                    if asks_to_end(&signal) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Ends it for another to take its place. Where somebody asks for the end meanwhile no other does:
    /// the exit code, for which there is no limit of time then.
    pub(super) async fn stop(&mut self, signals: &mut Signals) -> Result<Option<u8>, Failure> {
        self.tell(Signal::TERM);
        let in_time = timeout(GRACE, self.ends_unless_asked(signals)).await;
        let ended = if let Ok(ended) = in_time {
            ended?
        } else {
            warn!(target: LOG, "the program is killed: {GRACE:?} after SIGTERM it still ran");
            self.tell(Signal::KILL);
            self.ends_unless_asked(signals).await?
        };
        match ended {
            Some(_) => Ok(None),
            None => self.ends(signals).await.map(Some),
        }
    }

    fn pass(&self, signal: &Origin) {
        if let Some(number) = Signal::from_named_raw(signal.signal)
            && !is_of_terminal(signal)
        {
            self.tell(number);
        }
    }

    /// Sends it a signal. A child that has ended has no id any more, so that nobody else is told.
    pub(super) fn tell(&self, signal: Signal) {
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id
            && let Err(error) = kill_process(id, signal)
        {
            warn!(%error, signal = signal.as_raw(), "a signal can't be passed on");
        }
    }
}

fn code(ended: ExitStatus) -> u8 {
    let code = ended.code().or_else(|| ended.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

fn not_started(command: &Command, error: &io::Error) -> Failure {
    let program = command.as_std().get_program().to_string_lossy();
    let (code, hint) = match error.kind() {
        io::ErrorKind::NotFound => (NOT_FOUND, "check the name, and PATH"),
        _ => (NOT_EXECUTABLE, "check that it is a program, and may be executed"),
    };
    Failure::new(Kind::Usage, format!("start {program}: {error}"), hint).with_code(code)
}

fn lost(error: io::Error) -> Failure {
    let what = format!("internal: the program can't be waited for: {error}");
    Failure::new(Kind::Internal, what, "report this")
}
