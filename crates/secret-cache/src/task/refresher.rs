//! The background task of a cache. It refreshes the entries that come due, removes those that have
//! expired, and reports hits.
//!
//! While it runs, readers need no clock: it sets the flag of an entry before the entry comes due.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::map::clock;
use crate::policy::Tick;

/// A cache, as its refresher sees it.
pub(crate) trait Maintain: Send + Sync + 'static {
    /// Called before the task is started.
    fn on_start(&self, hits_skip_clock: bool);

    /// Called when the task ends before the cache is dropped.
    fn on_stop(&self);

    /// Returns what wakes the task early.
    fn wake(&self) -> Arc<Notify>;

    /// Returns when there is something to do, and records that the task sleeps until then.
    fn next_wakeup(&self) -> Tick;

    /// Does what is due.
    fn maintain(self: &Arc<Self>);

    /// Reports hits if it is time to, and returns when to report next.
    fn report_hits(&self, report_at: Tick) -> Tick;
}

/// The background task of a cache. It is started with the first value, and ends with the cache or
/// its runtime.
pub(crate) struct Refresher {
    is_running: AtomicBool,
    task: Mutex<JoinSet<()>>,
}

impl Refresher {
    pub(crate) fn new() -> Self {
        Self { is_running: AtomicBool::new(false), task: Mutex::new(JoinSet::new()) }
    }

    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        self.is_running.load(Relaxed)
    }

    /// Starts the task of `cache` on `runtime`, unless it is running.
    ///
    /// Hits rely on the task only on a multi-threaded runtime, whose own threads drive its timers.
    /// On any other runtime, time stands still between two calls of `block_on`.
    pub(crate) fn start<C: Maintain>(&self, cache: &Arc<C>, runtime: &Handle) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_running.swap(true, Relaxed) {
            return;
        }
        cache.on_start(runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        let cache = StopOnDrop(Arc::downgrade(cache));
        *task = JoinSet::new();
        task.spawn_on(run(cache), runtime);
    }

    /// Records that the task has ended.
    pub(crate) fn stopped(&self) {
        self.is_running.store(false, Relaxed);
    }
}

/// Calls [`Maintain::on_stop`] when the task ends before the cache is dropped.
struct StopOnDrop<C: Maintain>(Weak<C>);

impl<C: Maintain> Drop for StopOnDrop<C> {
    fn drop(&mut self) {
        if let Some(cache) = self.0.upgrade() {
            cache.on_stop();
        }
    }
}

async fn run<C: Maintain>(weak: StopOnDrop<C>) {
    let mut report_at = Tick::MAX;
    while let Some(cache) = weak.0.upgrade() {
        let at = cache.next_wakeup().min(report_at);
        let wake = cache.wake();
        drop(cache);
        if at == Tick::MAX {
            wake.notified().await;
        } else {
            // There may be something to do in either case.
            let _woken = timeout_at(clock::instant(at), wake.notified()).await;
        }
        let Some(cache) = weak.0.upgrade() else { return };
        cache.maintain();
        report_at = cache.report_hits(report_at);
    }
}
