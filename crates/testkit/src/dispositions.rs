//! Default signal dispositions for the programs that tests start.
//!
//! A program inherits ignored signals, and `km` keeps ignoring them. The tests themselves can be
//! started with ignored signals, by `nohup` or in the background of a shell, and must not pass them
//! on.

use std::sync::Arc;
use std::sync::Once;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};

/// Catches the signals that this process ignores, with a handler that does nothing. A caught signal
/// has its default disposition in a new program.
pub(crate) fn restore_for_programs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU] {
            if mask >> (signal - 1) & 1 == 1 {
                // A signal that cannot be caught stays ignored. The tests of signals then fail.
                let _ = signal_hook::flag::register(signal, Arc::default());
            }
        }
    });
}
