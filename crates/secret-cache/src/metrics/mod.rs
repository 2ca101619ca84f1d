//! The metrics of a cache.

mod hit_counter;
mod recorder;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::Notify;

use crate::load_error::LoadErrorKind;
use crate::metrics::hit_counter::HitCounter;
use crate::metrics::recorder::{Counter, count, count_kind};
use crate::policy::Tick;
use crate::state::outcome::{LoadOutcome, LoadReason};

/// The delay before hits are reported, in nanoseconds: half of the second within which they must be
/// visible.
const REPORT_INTERVAL: u64 = 500_000_000;

/// The counters of a cache, with its name as their label.
pub(crate) struct Metrics {
    cache: Arc<str>,
    pub(crate) hits: HitCounter,
    reported_hits: Counter,
    misses: AtomicU64,
}

impl Metrics {
    /// `wake` wakes the refresher, which reports hits while there are any.
    pub(crate) fn new(cache: Arc<str>, wake: Arc<Notify>) -> Self {
        let reported_hits = Counter::new("secret_cache_hits_total", &cache);
        Self { cache, hits: HitCounter::new(wake), reported_hits, misses: AtomicU64::new(0) }
    }

    /// Reports hits if `report_at` has come, and returns when to report next. [`Tick::MAX`] means
    /// never, so that an idle cache doesn't wake its refresher.
    pub(crate) fn report_hits_at(&self, report_at: Tick, now: Tick) -> Tick {
        if now < report_at {
            let starts = report_at == Tick::MAX && self.hits.is_awake();
            return if starts { now.saturating_add(REPORT_INTERVAL) } else { report_at };
        }
        if self.report_hits() > 0 {
            return now.saturating_add(REPORT_INTERVAL);
        }
        self.hits.sleep();
        // Another thread may have counted a hit just before.
        self.report_hits();
        Tick::MAX
    }

    /// Reports the hits since the last report, and returns their number.
    pub(crate) fn report_hits(&self) -> u64 {
        let count = self.hits.take();
        if count > 0 {
            self.reported_hits.increment(count);
        }
        count
    }

    /// Returns the number of all misses.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Relaxed)
    }

    pub(crate) fn miss(&self) {
        self.misses.fetch_add(1, Relaxed);
        count("secret_cache_misses_total", &self.cache, 1);
    }

    pub(crate) fn forced(&self) {
        count("secret_cache_forced_refreshes_total", &self.cache, 1);
    }

    pub(crate) fn stale(&self) {
        count("secret_cache_stale_served_total", &self.cache, 1);
    }

    pub(crate) fn evicted(&self, evicted: u64) {
        if evicted > 0 {
            count("secret_cache_evictions_total", &self.cache, evicted);
        }
    }

    pub(crate) fn load<V, E>(&self, reason: LoadReason, outcome: &LoadOutcome<V, E>) {
        let name = match reason {
            LoadReason::Miss => "secret_cache_loads_total",
            LoadReason::Refresh | LoadReason::Probe => "secret_cache_refreshes_total",
        };
        count(name, &self.cache, 1);
        let kind = match outcome {
            LoadOutcome::Loaded(_) => return,
            LoadOutcome::Failed(_, LoadErrorKind::Unavailable) => "unavailable",
            LoadOutcome::Failed(_, LoadErrorKind::Unauthenticated) => "unauthenticated",
            LoadOutcome::Failed(_, LoadErrorKind::NotFound) => "not_found",
            LoadOutcome::Failed(_, LoadErrorKind::Denied) => "denied",
            LoadOutcome::Panicked => "panicked",
        };
        count_kind("secret_cache_load_errors_total", &self.cache, kind);
    }
}

/// Reports the last hits.
impl Drop for Metrics {
    fn drop(&mut self) {
        self.report_hits();
    }
}
