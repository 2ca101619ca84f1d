//! Follows the values of a running program: replaces its files, and restarts or signals it.

use std::future::pending;
use std::ops::ControlFlow;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::child::Child;
use super::command;
use super::files::ProgramFiles;
use crate::cli::{ExecArgs, OnChange, WatchArgs};
use crate::commands::values::ValueWatcher;
use crate::error::Failure;
use crate::io::log::WATCH;
use crate::signals::SignalStreams;

/// The running program, and the values that it has.
pub(super) struct Supervisor<'a> {
    args: &'a ExecArgs,
    watcher: ValueWatcher<'a>,
    files: &'a mut ProgramFiles,
    program: Child,
    signals: SignalStreams,
    /// The variables and files that have changed since the last action of `--watch`.
    changed: Vec<String>,
    /// The time of the next action.
    action_at: Option<Instant>,
    /// The number of actions.
    count: u64,
}

/// Why a program that continues to run needs attention.
enum Event {
    /// These variables and files have changed.
    Changed(Vec<String>),
    /// The files could not be replaced, and another attempt is due.
    FilesDue,
    /// The action of `--watch` is due.
    ActionDue,
}

impl<'a> Supervisor<'a> {
    pub(super) fn new(
        args: &'a ExecArgs,
        watcher: ValueWatcher<'a>,
        files: &'a mut ProgramFiles,
        program: Child,
        signals: SignalStreams,
    ) -> Self {
        let (changed, action_at, count) = (Vec::new(), None, 0);
        Self { args, watcher, files, program, signals, changed, action_at, count }
    }

    /// Waits for the end of the program, and returns its exit code.
    pub(super) async fn run(mut self) -> Result<u8, Failure> {
        loop {
            let event = next_event(&mut self.watcher, self.files, self.action_at);
            let event = unless_ended(&mut self.program, &mut self.signals, event).await?;
            let handled = match event {
                ControlFlow::Continue(event) => self.handle(event).await?,
                ControlFlow::Break(code) => return Ok(code),
            };
            if let ControlFlow::Break(code) = handled {
                return Ok(code);
            }
        }
    }

    /// Replaces the files at once, also while an action waits for its time.
    async fn handle(&mut self, event: Event) -> Result<ControlFlow<u8>, Failure> {
        match event {
            Event::ActionDue => return self.act().await,
            Event::Changed(names) if self.args.watch.is_enabled => {
                self.add_changed(names);
                let splay = self.args.watch.splay;
                self.action_at.get_or_insert_with(|| Instant::now() + random_up_to(splay));
            }
            Event::Changed(_) | Event::FilesDue => {}
        }
        let replaced = self.files.replace(self.watcher.values());
        unless_ended(&mut self.program, &mut self.signals, replaced).await
    }

    /// Restarts or signals the program.
    async fn act(&mut self) -> Result<ControlFlow<u8>, Failure> {
        self.action_at = None;
        let what = if let Some(signal) = signal(self.args.watch.on_change) {
            self.program.signal(signal);
            "sent a signal to the program"
        } else {
            if let ControlFlow::Break(code) = self.restart().await? {
                return Ok(ControlFlow::Break(code));
            }
            "restarted the program"
        };
        self.count += 1;
        let names = std::mem::take(&mut self.changed).join(", ");
        info!(target: WATCH, names, count = self.count, "values changed: {what}");
        Ok(ControlFlow::Continue(()))
    }

    /// Restarts the program. Returns its exit code if a signal requested the end meanwhile.
    ///
    /// The values are read again after the program has ended, so that those that have changed
    /// meanwhile do not cause another restart.
    async fn restart(&mut self) -> Result<ControlFlow<u8>, Failure> {
        let WatchArgs { kill_signal, kill_timeout, .. } = self.args.watch;
        let stopped = self.program.stop(kill_signal, kill_timeout, &mut self.signals).await?;
        if let Some(code) = stopped {
            return Ok(ControlFlow::Break(code));
        }
        let reload = async {
            let changed = self.watcher.reload().await;
            self.files.replace(self.watcher.values()).await;
            changed
        };
        let Some(changed) = self.program.until_restart(reload, &mut self.signals).await else {
            return self.program.wait(&mut self.signals).await.map(ControlFlow::Break);
        };
        self.add_changed(changed);
        self.program = Child::start(command::build(self.args, self.watcher.values())?)?;
        Ok(ControlFlow::Continue(()))
    }

    fn add_changed(&mut self, names: Vec<String>) {
        for name in names {
            if !self.changed.contains(&name) {
                self.changed.push(name);
            }
        }
    }
}

/// Waits for the next event. Cancel-safe.
async fn next_event(
    watcher: &mut ValueWatcher<'_>,
    files: &ProgramFiles,
    action_at: Option<Instant>,
) -> Event {
    let action_due = async {
        match action_at {
            Some(time) => sleep_until(time).await,
            None => pending().await,
        }
    };
    tokio::select! {
        () = action_due => Event::ActionDue,
        changed = watcher.changed() => Event::Changed(changed),
        () = files.retry_due() => Event::FilesDue,
    }
}

/// Waits for `step`, or for the end of the program, and returns its exit code. After a signal that
/// requests the end, waits for the end only.
async fn unless_ended<T>(
    program: &mut Child,
    signals: &mut SignalStreams,
    step: impl Future<Output = T>,
) -> Result<ControlFlow<u8, T>, Failure> {
    let ended = tokio::select! {
        biased;
        ended = program.wait_unless_interrupted(signals) => ended?,
        outcome = step => return Ok(ControlFlow::Continue(outcome)),
    };
    let code = match ended {
        Some(code) => code,
        None => program.wait(signals).await?,
    };
    Ok(ControlFlow::Break(code))
}

/// Returns a random time.
fn random_up_to(limit: Duration) -> Duration {
    limit.mul_f64(fastrand::f64())
}

fn signal(on_change: OnChange) -> Option<i32> {
    match on_change {
        OnChange::Restart => None,
        OnChange::Hangup => Some(SIGHUP),
        OnChange::User1 => Some(SIGUSR1),
        OnChange::User2 => Some(SIGUSR2),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn waits_are_random_and_within_the_limit() {
        let limit = Duration::from_secs(10);
        let waits: BTreeSet<_> = (0..100).map(|_| random_up_to(limit)).collect();
        assert!(waits.len() > 50 && waits.iter().all(|wait| *wait <= limit), "{waits:?}");
    }
}
