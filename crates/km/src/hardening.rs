//! Keeps the secrets in this process's memory from other processes and out of core files.
//!
//! Nothing of this is inherited by a program that is started: an `execve` makes a process dumpable
//! again, and [`with_original_core_limit`] restores the limit for it.

use std::io;
use std::sync::OnceLock;

use km_proxy_adapter::ErrorKind;
use km_settings::{ProcessEnv, is_debuggable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::Failure;

/// The limit of core files that this process was started with, once it is lowered.
static ORIGINAL_CORE_LIMIT: OnceLock<Rlimit> = OnceLock::new();

/// Refuses debuggers, readers of `/proc/PID` of the same user, and core files, unless
/// `KM_DANGER_DEBUGGABLE` allows them. To be called before anything secret is in memory.
///
/// # Errors
/// The system does not allow it.
pub(crate) fn apply() -> Result<(), Failure> {
    if is_debuggable(&ProcessEnv) {
        return Ok(());
    }
    refuse().map_err(|error| {
        let what = format!("internal: cannot protect the memory of this process: {error}");
        Failure::new(ErrorKind::Internal, what, "set KM_DANGER_DEBUGGABLE=true to run without it")
    })
}

fn refuse() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    let original = *ORIGINAL_CORE_LIMIT.get_or_init(|| getrlimit(Resource::Core));
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: original.maximum })?)
}

/// Calls `start` under the limit of core files that this process was started with, so that the
/// program it starts inherits that limit.
pub(crate) fn with_original_core_limit<T>(start: impl FnOnce() -> T) -> T {
    let Some(original) = ORIGINAL_CORE_LIMIT.get() else {
        return start();
    };
    // Neither call fails, because the hard limit never changes. This process stays non-dumpable.
    let _ = setrlimit(Resource::Core, *original);
    let outcome = start();
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: original.maximum });
    outcome
}
