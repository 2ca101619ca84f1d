//! Shell commands of options, such as `km rotate --with` and `km sync --run`.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tracing::warn;

use super::variables::remove_credentials;
use crate::hardening::with_original_core_limit;

/// How long a command may take to end after a signal, so that this process ends within 5 s of its
/// own.
const GRACE: Duration = Duration::from_secs(2);

/// Returns a shell that runs `text`, without credentials for Vault in its environment. It leads a
/// process group of its own, so that a pipeline ends as a whole.
pub(super) fn shell(text: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", text]).process_group(0);
    remove_credentials(shell.as_std_mut());
    shell
}

/// Starts a shell under the original limit of core files.
pub(super) fn spawn(shell: &mut Command) -> io::Result<Child> {
    with_original_core_limit(|| shell.spawn())
}

/// Ends the process group of a shell: SIGTERM, and SIGKILL after [`GRACE`].
pub(super) async fn end(shell: &mut Child) {
    for signal in [Signal::TERM, Signal::KILL] {
        // `None` once the shell was reaped, because its ID may have been reused.
        let group = shell.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group
            && let Err(error) = kill_process_group(group, signal)
        {
            warn!(%error, signal = signal.as_raw(), "cannot signal the command");
        }
        if timeout(GRACE, shell.wait()).await.is_ok() {
            return;
        }
    }
}
