//! A progress bar for work on many names.
//!
//! It is drawn on stderr if that is a terminal, and only while work takes longer than [`DELAY`]. It is
//! cleared at the end, and [`stderr`](super::stderr) draws it below what it writes.

use std::io::{self, IsTerminal as _};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::sleep;

use crate::cli::GlobalArgs;

/// The time after which work is slow enough for a bar.
const DELAY: Duration = Duration::from_millis(500);

/// What the bar consists of.
const TEMPLATE: &str = "{prefix} [{bar:30}] {pos}/{len}";

/// Whether this process may draw bars.
static ALLOWED: AtomicBool = AtomicBool::new(false);

/// The bar that is drawn now.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Allows bars for a command whose stderr a person reads.
pub(crate) fn start(global: &GlobalArgs) {
    ALLOWED.store(!global.json && io::stderr().is_terminal(), Relaxed);
}

/// The progress of some work.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts one name as done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }

    /// Sets the number of names that are done, and that of all names.
    pub(crate) fn set(&self, completed: usize, total: usize) {
        let number = |names: usize| u64::try_from(names).unwrap_or(u64::MAX);
        self.0.set_length(number(total));
        self.0.set_position(number(completed));
    }

    fn draw(&self) {
        self.0.set_draw_target(ProgressDrawTarget::stderr());
        *DRAWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.0.clone());
        self.0.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // The lock orders this after a write to stderr, which draws the bar again.
        let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.finish_and_clear();
        *drawn = None;
    }
}

/// Runs `work` on `total` names, 0 if the number is not known yet, and draws its progress if it is
/// slow.
pub(crate) async fn during<T>(
    what: &'static str,
    total: usize,
    work: impl AsyncFnOnce(&Progress) -> T,
) -> T {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_prefix(what);
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("=> "));
    }
    let progress = Progress(bar);
    if total > 0 {
        progress.set(0, total);
    }
    let mut work = pin!(work(&progress));
    if ALLOWED.load(Relaxed) {
        tokio::select! {
            biased;
            outcome = &mut work => return outcome,
            () = sleep(DELAY) => progress.draw(),
        }
    }
    work.await
}

/// Calls `write`, which writes to stderr, without the bar in its way.
pub(super) fn suspend<T>(write: impl FnOnce() -> T) -> T {
    let drawn = match DRAWN.try_lock() {
        Ok(drawn) => drawn,
        Err(TryLockError::Poisoned(drawn)) => drawn.into_inner(),
        // A panic while the bar is drawn is reported as well.
        Err(TryLockError::WouldBlock) => return write(),
    };
    match &*drawn {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
