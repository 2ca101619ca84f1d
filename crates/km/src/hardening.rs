//! Protects the secrets in memory from debuggers and core files.
//!
//! A program that `km exec` starts does not inherit the protection, because `execve` makes a
//! process dumpable again and [`with_original_core_limit`] restores the limit of core files.

use std::io;
use std::sync::OnceLock;

use km_proxy_adapter::ErrorKind;
use km_settings::{ProcessEnv, is_debuggable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::Failure;

/// The limit of core files that this process was started with. Unset until it is lowered.
static ORIGINAL_CORE_LIMIT: OnceLock<Rlimit> = OnceLock::new();

/// Denies debuggers, core files, and access to `/proc/PID` by the same user, unless
/// `KM_DANGER_DEBUGGABLE` allows them. Must be called before a secret is in memory.
///
/// # Errors
///
/// `Internal` if the system does not allow it.
pub(crate) fn apply() -> Result<(), Failure> {
    if is_debuggable(&ProcessEnv) {
        return Ok(());
    }
    deny().map_err(|error| {
        let what = format!("internal: cannot protect the memory of this process: {error}");
        Failure::new(ErrorKind::Internal, what, "set KM_DANGER_DEBUGGABLE=true to run unprotected")
    })
}

fn deny() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    let original = *ORIGINAL_CORE_LIMIT.get_or_init(|| getrlimit(Resource::Core));
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: original.maximum })?)
}

/// Calls `start` under the original limit of core files, so that a program it starts inherits that
/// limit.
pub(crate) fn with_original_core_limit<T>(start: impl FnOnce() -> T) -> T {
    let Some(original) = ORIGINAL_CORE_LIMIT.get() else {
        return start();
    };
    // Neither call fails because the hard limit never changes. This process stays non-dumpable.
    let _ = setrlimit(Resource::Core, *original);
    let outcome = start();
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: original.maximum });
    outcome
}
