//! The process group of a command, so that a pipeline ends as a whole.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;
use tracing::debug;

/// How long a command may take to end after SIGTERM, so that this process ends within 5 s of a
/// signal.
const GRACE: Duration = Duration::from_secs(2);

/// The process group that a command leads.
pub(super) struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    pub(super) fn of(leader: &Child) -> Self {
        Self(leader.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// Ends the group: SIGTERM, and SIGKILL after [`GRACE`].
    pub(super) async fn end(&self, leader: &mut Child) {
        self.signal(leader, Signal::TERM);
        let ended = tokio::time::timeout(GRACE, leader.wait()).await;
        if ended.is_err() {
            self.signal(leader, Signal::KILL);
            // A process that was killed ends at once.
            let _ = leader.wait().await;
        }
    }

    /// Signals the group unless its leader was reaped, because its ID may have been reused.
    fn signal(&self, leader: &Child, signal: Signal) {
        if let (Some(group), Some(_)) = (self.0, leader.id())
            && let Err(error) = kill_process_group(group, signal)
        {
            debug!(%error, signal = signal.as_raw(), "cannot signal the command");
        }
    }
}
